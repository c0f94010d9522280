"""``manage.py up``: the whole platform in the foreground under one supervisor."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from liaoyuan.compute.engines.addresses import EngineAddresses, engine_addresses
from liaoyuan.compute.engines.manager import engines_down, engines_status, engines_up, specs_with_engines
from liaoyuan.compute.engines.supervisor import Supervisor
from liaoyuan.config.database import migrate
from liaoyuan.config.processes import background_specs, engines_own, web_spec
from liaoyuan.errors import LiaoyuanError


class Command(BaseCommand):
    help = "Start engines, workers, beat, relay, reaper, model server and web; Ctrl-C stops them all."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        addresses = engine_addresses(settings.VAR)
        # The database first, in the background: the tables must stand before a worker asks for them.
        database = [name for name in engines_own() if name == "postgres"]
        ours = [state.name for state in engines_status(addresses, only=database) if not state.running]
        try:
            engines_up(addresses, only=database)
            migrate()
            self._supervise(addresses)
        except LiaoyuanError as error:
            raise CommandError(error.sentence(settings.LANGUAGE_CODE)) from error
        finally:
            # What we found running stays; what we started ends with us.
            engines_down(addresses, only=ours)

    def _supervise(self, addresses: EngineAddresses) -> None:
        web = web_spec(addresses)
        specs = specs_with_engines(addresses, [web, *background_specs()])
        supervisor = Supervisor(specs, run=addresses.run, log=addresses.log)
        self.stdout.write(f"Liaoyuan: {web.ready.target.removesuffix('/health/live')}/  (Ctrl-C to stop)")
        supervisor.run()
