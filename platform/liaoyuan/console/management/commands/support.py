"""``manage.py support bundle --out FILE``: how this installation is, in one file, for whoever helps."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from liaoyuan.console.support.bundle import bundle_stream


class Command(BaseCommand):
    help = "Write the support bundle: doctor, health, settings (masked), versions, queues, logs (scrubbed)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        bundle = verbs.add_parser("bundle", help="write one zip file")
        bundle.add_argument("--out", type=Path, required=True, help="the file; refused if it is there already")

    def handle(self, *args: Any, **options: Any) -> None:
        out: Path = options["out"]
        try:
            with out.open("xb") as file:
                out.chmod(0o600)
                for piece in bundle_stream():
                    file.write(piece)
        except OSError as error:
            raise CommandError(f"{out}: {error.strerror}") from error
        self.stdout.write(f"{out} ({out.stat().st_size} bytes)")
