"""``manage.py reset``: remove all data of this checkout, after asking."""

import shutil
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

WORD = "reset"


class Command(BaseCommand):
    help = "Stop everything and remove the data folder (documents, models, database). Asks first."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("reset is for embedded mode; in production, drop the database yourself")
        self.stdout.write(f"This removes {settings.VAR}: documents, datasets, models, answers, accounts.")
        if not options["yes"] and input(f"Type {WORD} to go on / 输入 {WORD} 继续: ").strip() != WORD:
            raise CommandError("nothing was removed / 未删除任何内容")
        call_command("down", stdout=self.stdout)
        shutil.rmtree(settings.VAR)
        self.stdout.write("Removed.")
