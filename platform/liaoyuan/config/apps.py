from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """The composition root; listed last, so that every app is ready when it wires them."""

    name = "liaoyuan.config"
    label = "config"

    def ready(self) -> None:
        from liaoyuan.config.wiring import wire_all

        wire_all()
