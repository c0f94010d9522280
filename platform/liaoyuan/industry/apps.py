from django.apps import AppConfig


class IndustryConfig(AppConfig):
    name = "liaoyuan.industry"
    label = "industry"
    default_auto_field = "django.db.models.BigAutoField"
