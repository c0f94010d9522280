from django.apps import AppConfig


class SecurityConfig(AppConfig):
    name = "liaoyuan.security"
    label = "security"

    def ready(self) -> None:
        from liaoyuan.pipeline.registry import stage_register
        from liaoyuan.security.stage import SecurityStage

        stage_register(SecurityStage())
