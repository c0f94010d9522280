"""``manage.py down``: stop what ``make up`` or ``make demo`` left running."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from liaoyuan.compute.engines import detached
from liaoyuan.compute.engines.addresses import engine_addresses
from liaoyuan.compute.engines.manager import engines_down
from liaoyuan.config.processes import BACKGROUND


class Command(BaseCommand):
    help = "Stop every process of this checkout; data stays."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        addresses = engine_addresses(settings.VAR)
        stopped = detached.stop(["web", *BACKGROUND], run=addresses.run, log=addresses.log)
        for state in engines_down(addresses):
            stopped.append(state.name)
        self.stdout.write(f"Stopped: {', '.join(stopped)}.")
