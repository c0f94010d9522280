"""`manage.py engines up|down|status`: the embedded engines, without needing a database."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from liaoyuan.compute.engines.addresses import engine_addresses
from liaoyuan.compute.engines.manager import ENGINES, EngineState, engines_down, engines_status, engines_up
from liaoyuan.errors import LiaoyuanError

VERBS = {"up": engines_up, "down": engines_down, "status": engines_status}


class Command(BaseCommand):
    help = "Start, stop or show the embedded engines: PostgreSQL, Valkey and the model server."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=sorted(VERBS))
        parser.add_argument("--only", action="append", choices=ENGINES, help="this engine alone; may be repeated")
        parser.add_argument("--json", action="store_true", help="print one JSON object last")

    def handle(self, *args: Any, **options: Any) -> None:
        addresses = engine_addresses(settings.VAR)
        try:
            states = VERBS[options["verb"]](addresses, options["only"])
        except LiaoyuanError as error:
            raise CommandError(error.sentence(settings.LANGUAGE_CODE)) from error
        if options["json"]:
            self.stdout.write(json.dumps({"engines": [state.as_dict() for state in states]}, ensure_ascii=False))
        else:
            self._table(states)

    def _table(self, states: list[EngineState]) -> None:
        for state in states:
            mark = "up  " if state.running else "down"
            self.stdout.write(f"{mark} {state.name:<13} pid {state.pid or '-':<8} {state.address}  {state.detail}")
