from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "liaoyuan.operations"
    label = "operations"

    def ready(self) -> None:
        from liaoyuan.operations.metrics import collector_register
        from liaoyuan.operations.stage import OperationsStage
        from liaoyuan.pipeline.registry import stage_register

        stage_register(OperationsStage())
        collector_register()
