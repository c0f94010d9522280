"""``manage.py down``: stop what ``make up`` or ``make demo`` left running."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from liaoyuan.compute.engines import detached
from liaoyuan.compute.engines.addresses import engine_addresses
from liaoyuan.compute.engines.manager import engines_down, engines_status
from liaoyuan.compute.engines.supervisor_leftovers import leftovers_end
from liaoyuan.config.processes import BACKGROUND, PROCESSES
from liaoyuan.config.running import up_stop


class Command(BaseCommand):
    help = "Stop every process of this checkout; data stays."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        addresses = engine_addresses(settings.VAR)
        stopped = ["make up"] if up_stop(addresses) else []
        stopped += detached.stop(["web", *BACKGROUND], run=addresses.run, log=addresses.log)
        running = [state.name for state in engines_status(addresses) if state.running]
        engines_down(addresses)
        stopped += [*running, *leftovers_end(addresses, PROCESSES)]
        self.stdout.write(f"Stopped: {', '.join(dict.fromkeys(stopped))}." if stopped else "Nothing was running.")
