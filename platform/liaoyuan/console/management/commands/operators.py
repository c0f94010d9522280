"""``manage.py operators add|remove|list``: who may enter the console."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from liaoyuan.accounts.commands import EngineCommand
from liaoyuan.accounts.models import User
from liaoyuan.accounts.services import user_create
from liaoyuan.console.audit import operator_record


class Command(EngineCommand):
    help = "Make somebody an operator of the platform, or take it away, or list them."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="their addresses")
        add = verbs.add_parser("add", help="an account that may enter the console (made if there is none)")
        add.add_argument("email")
        add.add_argument("--break-glass", action="store_true", help="also into Django's admin at /break-glass/")
        verbs.add_parser("remove", help="the account stays, the console is closed to it").add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] == "list":
            for user in User.objects.filter(is_staff=True).order_by("email"):
                self.stdout.write(f"{user.email}{' break-glass' if user.is_superuser else ''}")
            return
        email = str(options["email"]).strip().lower()
        if options["verb"] == "add":
            user, _ = user_create(email=email)
            user.is_staff, user.is_superuser = True, user.is_superuser or options["break_glass"]
        else:
            found = User.objects.filter(email=email, is_staff=True).first()
            if found is None:
                raise CommandError(f"{email} 不是运维人员。 {email} is no operator.")
            user = found
            user.is_staff = user.is_superuser = False
        user.save(update_fields=["is_staff", "is_superuser"])
        operator_record(actor=user.id, action=f"operator.{options['verb']}", object_kind="user", object_id=user.id)
        self.stdout.write(f"{email}: {options['verb']}. A link to sign in: manage.py login {email}")
