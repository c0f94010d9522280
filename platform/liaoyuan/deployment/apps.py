from django.apps import AppConfig


class DeploymentConfig(AppConfig):
    name = "liaoyuan.deployment"
    label = "deployment"

    def ready(self) -> None:
        from liaoyuan.deployment.stage import DeploymentStage
        from liaoyuan.pipeline.registry import stage_register

        stage_register(DeploymentStage())
