"""``manage.py doctor``: checks this installation and says how to mend what is wrong."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from liaoyuan.config.doctor import machine, services
from liaoyuan.config.doctor.report import Check, guarded

PROBES = {
    "versions": (machine.versions, machine.REPAIR_ZH, machine.REPAIR_EN),
    "model_files": (machine.model_files, machine.REPAIR_ZH, machine.REPAIR_EN),
    "disk": (machine.disk, "检查 LIAOYUAN_VAR。", "Check LIAOYUAN_VAR."),
    "secrets": (machine.secrets, "检查 var/secrets。", "Check var/secrets."),
    "ports": (machine.ports, "检查 var/run。", "Check var/run."),
    "packs": (machine.packs, "检查 industries/。", "Check industries/."),
    "database": (services.database, services.UP_ZH, services.UP_EN),
    "roles": (services.roles, services.UP_ZH, services.UP_EN),
    "row_level_security": (services.row_level_security, services.UP_ZH, services.UP_EN),
    "broker": (services.broker, services.UP_ZH, services.UP_EN),
    "model_server": (services.model_server, services.UP_ZH, services.UP_EN),
    "workers": (services.workers, "执行 make up。", "Run make up."),
}


class Command(BaseCommand):
    help = "Check versions, roles, row-level security, model files, disk, ports and services; exit 0 when it ran."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--only", help=f"comma-separated: {','.join(PROBES)}; exit 1 if one of these is not ok")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = options["only"].split(",") if options["only"] else list(PROBES)
        strange = [name for name in wanted if name not in PROBES]
        if strange:
            known = ", ".join(PROBES)
            said = ", ".join(strange)
            raise CommandError(f"没有这项检查：{said}。可用：{known}。 / No such check: {said}. Known: {known}.")
        found = [check for name in wanted for check in guarded(name, *PROBES[name])]
        if options["json"]:
            self.stdout.write(json.dumps({"checks": [check.as_dict() for check in found]}, ensure_ascii=False))
        else:
            self._table(found)
        if options["only"] and not all(check.ok for check in found):
            raise SystemExit(1)

    def _table(self, found: list[Check]) -> None:
        for check in found:
            self.stdout.write(f"{'ok ' if check.ok else 'NO '} {check.name:<20} {check.detail}")
            if not check.ok:
                self.stdout.write(f"     → {check.mend_zh} {check.mend_en}")
