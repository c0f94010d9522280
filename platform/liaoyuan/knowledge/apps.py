from django.apps import AppConfig


class KnowledgeConfig(AppConfig):
    name = "liaoyuan.knowledge"
    label = "knowledge"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from liaoyuan.knowledge.questions.stage import EvaluateStage
        from liaoyuan.knowledge.shadow.stage import ReindexStage
        from liaoyuan.knowledge.sources.stage import SyncStage
        from liaoyuan.knowledge.stage import IngestStage
        from liaoyuan.pipeline.registry import stage_register

        stage_register(IngestStage())
        stage_register(EvaluateStage())
        stage_register(ReindexStage())
        stage_register(SyncStage())
