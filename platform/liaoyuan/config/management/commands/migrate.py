"""``migrate`` as Django's own, but as the owner of the tables: any other role would note what it never did as done."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.core.management.commands.migrate import Command as DjangoMigrate

from liaoyuan.compute.engines.addresses import engine_addresses
from liaoyuan.compute.engines.locks import locked
from liaoyuan.config.processes import SETUP_SECONDS, engines_own


class Command(DjangoMigrate):
    """The database is ``owner`` unless another one is named. On the embedded engine one process migrates at a time:
    the second one finds nothing left to do."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        with _alone():
            super().handle(*args, **options)


def _alone() -> AbstractContextManager[None]:
    if "postgres" not in engines_own():
        return nullcontext()
    return locked(engine_addresses(settings.VAR).run / "migrate.lock", timeout=SETUP_SECONDS)
