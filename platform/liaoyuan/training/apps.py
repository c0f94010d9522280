from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "liaoyuan.training"
    label = "training"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from liaoyuan.pipeline.registry import stage_register
        from liaoyuan.training.stage import TrainingStage

        stage_register(TrainingStage())
