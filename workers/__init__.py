"""The processes beside the web: worker, relay, reaper and beat. Each is an interface; the rules live in services."""

import os

# As in manage.py: Celery loads Django for its workers only where this is set before the client is made.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liaoyuan.config.settings")
