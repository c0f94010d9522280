"""``manage.py up``: the whole platform in the foreground under one supervisor."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from liaoyuan.compute.engines.addresses import engine_addresses
from liaoyuan.compute.engines.manager import engines_up, specs_with_engines
from liaoyuan.compute.engines.supervisor import Supervisor
from liaoyuan.config.database import migrate
from liaoyuan.config.processes import background_specs, engines_own, web_spec
from liaoyuan.errors import LiaoyuanError


class Command(BaseCommand):
    help = "Start engines, workers, beat, relay, reaper, model server and web; Ctrl-C stops them all."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        addresses = engine_addresses(settings.VAR)
        try:
            # The database first, in the background: the tables must stand before a worker asks for them.
            engines_up(addresses, only=[name for name in engines_own() if name == "postgres"])
            migrate()
            web = web_spec(addresses)
            specs = specs_with_engines(addresses, [web, *background_specs()])
            supervisor = Supervisor(specs, run=addresses.run, log=addresses.log)
            self.stdout.write(f"Liaoyuan: {web.ready.target.removesuffix('/health/live')}/  (Ctrl-C to stop)")
            supervisor.run()
        except LiaoyuanError as error:
            raise CommandError(error.sentence(settings.LANGUAGE_CODE)) from error
