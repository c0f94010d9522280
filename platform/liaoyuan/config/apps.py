from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "liaoyuan.config"
    label = "config"
