"""``manage.py login ADDRESS``: a link that signs one person in once; for who sits at the machine."""

import json
from typing import Any

from django.core.management.base import CommandParser

from liaoyuan.accounts.commands import EngineCommand
from liaoyuan.accounts.models import User
from liaoyuan.accounts.services import login_link_create


class Command(EngineCommand):
    help = "Print a login link for a person, good once and for ten minutes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the person's e-mail address")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["email"].strip().lower(), is_active=True).first()
        if user is None:
            self.stderr.write("没有此邮箱地址的有效账号。 Nobody active has this address.")
            raise SystemExit(1)
        path = login_link_create(user=user)
        self.stdout.write(json.dumps({"path": path}) if options["json"] else path)
