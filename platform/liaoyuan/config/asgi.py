"""The web process: ``/v1``, health, metrics and static files stand beside Django's middleware; the rest is Django's."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liaoyuan.config.settings")
django.setup(set_prefix=False)

# Only after Django is set up: these read its models.
from liaoyuan.api.asgi import AsgiApp  # noqa: E402
from liaoyuan.api.health.app import HealthApp  # noqa: E402
from liaoyuan.api.mount import Mount  # noqa: E402
from liaoyuan.api.openai.app import OpenAIApp  # noqa: E402
from liaoyuan.config.handler import Handler  # noqa: E402
from liaoyuan.portal.shell.assets import StaticApp  # noqa: E402

health = HealthApp()
places: dict[str, AsgiApp] = {"/v1": OpenAIApp(), "/health": health, "/metrics": health, "/static": StaticApp()}
application = Mount(places, otherwise=Handler())
