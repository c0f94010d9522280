from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "liaoyuan.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # The models of the libraries that it listens to exist only now.
        from liaoyuan.accounts.adapters import recorder

        recorder.connect()
