"""``manage.py reset``: remove all data of this checkout, after asking."""

import shutil
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from liaoyuan.compute.engines.addresses import engine_addresses
from liaoyuan.config.running import up_found

WORD = "reset"


class Command(BaseCommand):
    help = "Remove the data folder (documents, models, database) of a platform that is down. Asks first."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("reset is for embedded mode; in production, drop the database yourself")
        found = up_found(engine_addresses(settings.VAR))
        if found is not None:
            raise CommandError(f"It runs (pid {found.pid}); stop it first: make down / 正在运行，请先执行 make down")
        self.stdout.write(f"This removes {settings.VAR}: documents, datasets, models, answers, accounts.")
        if not options["yes"] and input(f"Type {WORD} to go on / 输入 {WORD} 继续: ").strip() != WORD:
            raise CommandError("nothing was removed / 未删除任何内容")
        call_command("down", stdout=self.stdout)
        shutil.rmtree(settings.VAR, ignore_errors=True)
        self.stdout.write("Removed.")
