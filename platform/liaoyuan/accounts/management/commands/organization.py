"""``manage.py organization create NAME``: make a tenant."""

import json
from typing import Any

from django.core.management.base import CommandParser

from liaoyuan.accounts.commands import EngineCommand
from liaoyuan.accounts.services import organization_create
from liaoyuan.errors import LiaoyuanError


class Command(EngineCommand):
    help = "Create an organization; an existing one is left as it is and said so."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="create an organization")
        create.add_argument("name")
        create.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            organization, created = organization_create(name=options["name"])
        except LiaoyuanError as error:
            self.stderr.write(error.sentence("zh") + " " + error.sentence("en"))
            raise SystemExit(1) from error
        answer = {"id": str(organization.id), "name": organization.name, "created": created}
        human = f"{organization.name}  {organization.id}  {'created' if created else 'existed'}"
        self.stdout.write(json.dumps(answer, ensure_ascii=False) if options["json"] else human)
