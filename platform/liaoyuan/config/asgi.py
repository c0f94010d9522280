"""The web process: ``/v1``, health and metrics stand beside Django's middleware; everything else is Django's."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liaoyuan.config.settings")
django_application = get_asgi_application()

# Only after Django is set up: these read its models.
from liaoyuan.api.health.app import HealthApp  # noqa: E402
from liaoyuan.api.mount import Mount  # noqa: E402
from liaoyuan.api.openai.app import OpenAIApp  # noqa: E402

health = HealthApp()
application = Mount({"/v1": OpenAIApp(), "/health": health, "/metrics": health}, otherwise=django_application)
