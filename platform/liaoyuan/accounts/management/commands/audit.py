"""``manage.py audit verify|anchor``: is the organization's history whole?"""

import json
from typing import Any

from django.core.management.base import CommandParser

from liaoyuan.accounts.anchors import anchor_write, chain_verify
from liaoyuan.accounts.commands import EngineCommand
from liaoyuan.accounts.selectors import organization_by_name
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import LiaoyuanError


class Command(EngineCommand):
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
            verdict = chain_verify(organization.id)
            if options["verb"] == "anchor":
                anchor_write(organization.id, verdict)
        answer = {
            "ok": verdict.ok,
            "checked": verdict.checked,
            "first_bad": verdict.first_bad,
            "head": verdict.head,
        }
        human = f"ok={verdict.ok} checked={verdict.checked} first_bad={verdict.first_bad}"
        self.stdout.write(json.dumps(answer) if options["json"] else human)
