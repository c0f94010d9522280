"""``manage.py catalogue``: compile the translations of the pages. ``make setup`` calls it."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from liaoyuan.portal.catalogue import catalogues_compile


class Command(BaseCommand):
    help = "Compile the .po catalogues below templates/locale into .mo files."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        for folder in settings.LOCALE_PATHS:
            for path in catalogues_compile(Path(folder)):
                self.stdout.write(str(path))
