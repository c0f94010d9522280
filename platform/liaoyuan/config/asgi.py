"""The web process: ``/v1``, health, metrics and static files stand beside Django's middleware; the rest is Django's."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liaoyuan.config.settings")
django_application = get_asgi_application()

# Only after Django is set up: these read its models.
from liaoyuan.api.health.app import HealthApp  # noqa: E402
from liaoyuan.api.mount import Mount  # noqa: E402
from liaoyuan.api.openai.app import OpenAIApp  # noqa: E402
from liaoyuan.portal.shell.assets import StaticApp  # noqa: E402

health = HealthApp()
places = {"/v1": OpenAIApp(), "/health": health, "/metrics": health, "/static": StaticApp()}
application = Mount(places, otherwise=django_application)
