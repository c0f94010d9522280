"""Write the bundle as a stream: a part is made when the reader is there for it, and nothing lies on the disk."""

import io
import json
import logging
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from liaoyuan.console.ports import ports
from liaoyuan.console.support import facts
from liaoyuan.console.support.scrub import Scrubber

logger = logging.getLogger(__name__)
LOG_LINES: Final = 500
LOG_BYTES: Final = 512 * 1024
PARTS: Final[dict[str, Callable[[], Any]]] = {
    "doctor.json": facts.doctor,
    "health.json": facts.health,
    "settings.json": facts.settings,
    "versions.json": facts.versions,
    "packs.json": facts.packs_installed,
    "work.json": facts.work,
    "runs.json": facts.runs,
    "database.json": facts.tables,
}
CONTENTS: Final = (
    ("doctor.json", _("every check of the doctor, with how to mend what is wrong")),
    ("health.json", _("machine and engines: memory, disk, versions, connections")),
    ("settings.json", _("the settings in force; of a secret only whether it is set")),
    ("versions.json", _("platform, Python, every package and its licence")),
    ("packs.json", _("industry packs: version, key of the signature, problems")),
    ("work.json", _("queues, workers, processes, and why runs wait")),
    ("runs.json", _("runs by state, and the newest that did not succeed: numbers, times, error codes")),
    ("database.json", _("tables with size and protection, migrations")),
    ("logs/", _("the last 500 lines of each process, without secrets, names, quotations and Chinese text")),
)
ABOUT: Final = """Liaoyuan support bundle, {at}

States, counts, versions and log lines of one installation. It holds no document, question or answer, no name or
address of a person or an organization, and no secret: organizations and runs appear by their random identifiers.
In logs/ [secret] and [...] stand where something was taken out. A part that could not be made says why.
"""


class _Pipe(io.RawIOBase):
    """What the zip writer wrote since it was last asked. No seeking: a download cannot be taken back."""

    def __init__(self) -> None:
        self._data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._data += data
        return len(data)

    def taken(self) -> bytes:
        data, self._data = bytes(self._data), bytearray()
        return data


def bundle_stream() -> Iterator[bytes]:
    """The zip file, piece by piece. A part that fails is written as its error, so that the rest still helps."""
    pipe, scrubber = _Pipe(), scrubber_make()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", ABOUT.format(at=timezone.now().isoformat(timespec="seconds")))
        yield pipe.taken()
        for name, make in PARTS.items():
            archive.writestr(name, scrubber.literal(_part(name, make)))
            yield pipe.taken()
        for path in log_files():
            archive.writestr(f"logs/{path.name}", "\n".join(map(scrubber.line, tail(path))) + "\n")
            yield pipe.taken()
    yield pipe.taken()


async def bundle_pieces() -> AsyncIterator[bytes]:
    """The same for a web server that must not stand still while a part is made."""
    pieces = bundle_stream()
    while (piece := await sync_to_async(lambda: next(pieces, None))()) is not None:
        yield piece


def scrubber_make() -> Scrubber:
    """It knows every secret; names too, unless the database is away (then the logs have only the patterns)."""
    try:
        names = facts.names_known()
    except Exception:
        logger.warning("the database did not give the names to take out", exc_info=True)
        names = []
    return Scrubber(secrets=ports().secrets(), names=names)


def log_files() -> list[Path]:
    """The newest log of each process."""
    folder = Path(settings.VAR) / "log"
    return sorted(folder.glob("*.log")) if folder.is_dir() else []


def tail(path: Path) -> list[str]:
    """The last lines of a file, whatever its size."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LOG_BYTES))
        return file.read().decode("utf-8", errors="replace").splitlines()[-LOG_LINES:]


def _part(name: str, make: Callable[[], Any]) -> str:
    try:
        # One language for whoever reads it, whatever the operator's.
        with override("en"):
            made = make()
    except Exception as error:
        logger.warning("the support bundle goes without %s", name, exc_info=True)
        made = {"missing": f"{type(error).__name__}"}
    return json.dumps(made, ensure_ascii=False, indent=1, default=str)
