from django.apps import AppConfig


class ComputeConfig(AppConfig):
    name = "liaoyuan.compute"
    label = "compute"

    def ready(self) -> None:
        from liaoyuan.compute.stage import ComputeStage
        from liaoyuan.pipeline.registry import stage_register

        stage_register(ComputeStage())
