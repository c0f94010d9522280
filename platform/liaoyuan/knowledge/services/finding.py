"""The files of a path in a stable order; those of an archive one by one."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from django.conf import settings

from liaoyuan.errors import LiaoyuanError
from liaoyuan.knowledge.errors import PathMissing
from liaoyuan.knowledge.services.unpacking import archive_unpack, is_archive

# Files that operating systems and editors leave behind; they are nobody's documents.
_LITTER = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db"})


@dataclass(frozen=True, slots=True)
class FoundFile:
    """``shown`` is its path for the person who imports: inside its archive, where it came in one. ``source`` is what
    lies on the disk for good: the file, or the archive whose ``member``-th file it is."""

    path: Path
    name: str
    shown: str
    error: LiaoyuanError | None = None
    source: Path = Path()
    member: int | None = None


def files_found(path: Path, unpacked: Path) -> Iterator[FoundFile]:
    """The files below ``path``, links included so that they can be refused by name. Raises PathMissing."""
    if not path.exists() and not path.is_symlink():
        raise PathMissing(path=str(path))
    if not path.is_dir():
        yield from _file(path, path.name, unpacked)
        return
    for found in sorted(path.rglob("*")):
        hidden = any(part.startswith(".") for part in found.relative_to(path).parts)
        if not hidden and (found.is_symlink() or not found.is_dir()) and found.name.lower() not in _LITTER:
            yield from _file(found, found.relative_to(path).as_posix(), unpacked)


@contextmanager
def unpacking() -> Iterator[Path]:
    """A folder for the files of archives, on the disk that the operator watches; gone afterwards."""
    parent = Path(settings.VAR)
    parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="unpacked-", dir=parent) as folder:
        yield Path(folder)


def member_path(archive: Path, member: int, folder: Path) -> Path:
    """Where the ``member``-th file of ``archive`` lies below ``folder``; the archive is unpacked on first need.

    Raises what :func:`archive_unpack` raises, and PathMissing for a member that could not be unpacked.
    """
    place = folder / hashlib.sha256(str(archive).encode()).hexdigest()[:16]
    listing = place / "members.json"
    if not listing.exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        paths = [str(each.path or "") for each in archive_unpack(archive, place)]
        # Written last: a listing without its files would be believed.
        listing.write_text(json.dumps(paths), encoding="utf-8")
    paths = json.loads(listing.read_text(encoding="utf-8"))
    if member >= len(paths) or not paths[member]:
        raise PathMissing(path=archive.name)
    return Path(paths[member])


def _file(path: Path, name: str, unpacked: Path) -> Iterator[FoundFile]:
    """The file itself; of an archive its files, and a line for the archive where it could not be read to its end."""
    if not is_archive(path):
        yield FoundFile(path, name, str(path), source=path)
        return
    try:
        folder = Path(mkdtemp(dir=unpacked))
        for number, member in enumerate(archive_unpack(path, folder)):
            shown = f"{path}/{member.name}"
            yield FoundFile(member.path or path, member.name, shown, member.error, source=path, member=number)
    except LiaoyuanError as error:
        yield FoundFile(path, name, str(path), error, source=path)
