from django.apps import AppConfig


class DataConfig(AppConfig):
    name = "liaoyuan.data"
    label = "data"

    def ready(self) -> None:
        from liaoyuan.data.stage import DataStage
        from liaoyuan.pipeline.registry import stage_register

        stage_register(DataStage())
