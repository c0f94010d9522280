"""``manage.py audit verify|anchor``: is the organization's history whole?"""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from liaoyuan.accounts.models import AuditEvent
from liaoyuan.accounts.selectors import audit_verify, organization_by_name
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import LiaoyuanError


def _anchors(organization_id: object) -> Path:
    return Path(settings.VAR) / "audit" / f"{organization_id}.jsonl"


class Command(BaseCommand):
    help = "Verify an organization's hash-chained audit log, or write its head to the anchor file."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        for verb, words in (("verify", "walk the chain"), ("anchor", "note the chain's head outside of the database")):
            sub = verbs.add_parser(verb, help=words)
            sub.add_argument("--organization", required=True)
            sub.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            organization = organization_by_name(options["organization"])
        except LiaoyuanError as error:
            self.stderr.write(error.sentence("zh") + " " + error.sentence("en"))
            raise SystemExit(1) from error
        with tenant_context(organization.id):
            answer = self._verify(organization.id)
            if options["verb"] == "anchor" and answer["ok"]:
                self._anchor(organization.id, answer)
        human = f"ok={answer['ok']} checked={answer['checked']} first_bad={answer['first_bad']}"
        self.stdout.write(json.dumps(answer) if options["json"] else human)

    def _verify(self, organization_id: object) -> dict[str, Any]:
        report = audit_verify()
        answer: dict[str, Any] = {"ok": report.ok, "checked": report.checked, "first_bad": report.first_bad}
        answer["head"] = report.head
        if report.ok:
            missing = self._first_missing_anchor(organization_id)
            answer |= {"ok": missing is None, "first_bad": missing}
        return answer

    def _first_missing_anchor(self, organization_id: object) -> int | None:
        """The first anchored link that the chain no longer has: the chain was cut at its end."""
        path = _anchors(organization_id)
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            anchor = json.loads(line)
            if not AuditEvent.objects.filter(seq=anchor["seq"], digest=anchor["head"]).exists():
                return int(anchor["seq"])
        return None

    def _anchor(self, organization_id: object, answer: dict[str, Any]) -> None:
        path = _anchors(organization_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        line = {"seq": answer["checked"], "head": answer["head"], "at": timezone.now().isoformat()}
        if answer["checked"]:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
