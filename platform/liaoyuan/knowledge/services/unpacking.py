"""A ZIP of documents becomes its files: bounded, without links, never outside of the folder given."""

import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from liaoyuan.errors import LiaoyuanError
from liaoyuan.knowledge.errors import FileUnsafe
from liaoyuan.knowledge.parse.archive import check_directory
from liaoyuan.knowledge.parse.errors import Corrupt, ZipBomb
from liaoyuan.knowledge.parse.limits import Limits

_UTF8_NAME = 0x800
_PIECE = 1 << 20
_LITTER = ("__macosx/", ".ds_store", "thumbs.db", "desktop.ini")


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive: where it lies now, or why it was not unpacked."""

    name: str
    path: Path | None
    error: LiaoyuanError | None = None


def is_archive(path: Path) -> bool:
    """Whether ``path`` is meant as a bundle of files. Office files are ZIP too: what counts is the extension."""
    return path.suffix.lower() == ".zip" and path.is_file() and not path.is_symlink()


def archive_unpack(path: Path, folder: Path, limits: Limits | None = None) -> Iterator[Member]:
    """Write the members into ``folder`` under numbers and yield them by name, in the order of their names.

    Raises Encrypted, Corrupt or ZipBomb before anything is written where the directory already tells; a member that
    grows beyond what the directory promised ends the archive with ZipBomb.
    """
    limits = limits or Limits()
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _litter(entry)]
            check_directory(path.name, entries, limits)
            left = limits.unpacked_bytes
            for number, entry in enumerate(sorted(entries, key=member_name)):
                member = _unpacked(archive, entry, folder / f"{number:05d}", left)
                left -= member.path.stat().st_size if member.path else 0
                yield member
    except (zipfile.BadZipFile, OSError, NotImplementedError, EOFError, ValueError) as error:
        raise Corrupt(name=path.name) from error


def member_name(entry: zipfile.ZipInfo) -> str:
    """The name as its author saw it: programs on Chinese Windows write GB18030 and say nothing of it."""
    if entry.flag_bits & _UTF8_NAME:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("gb18030")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return entry.filename


def _litter(entry: zipfile.ZipInfo) -> bool:
    lowered = entry.filename.lower()
    return lowered.startswith(_LITTER[0]) or lowered.rsplit("/", 1)[-1] in _LITTER


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int) -> Member:
    name = member_name(entry)
    if _outside(name) or stat.S_ISLNK(entry.external_attr >> 16):
        return Member(name, None, FileUnsafe(name=name))
    place = target / PurePosixPath(name.replace("\\", "/")).name
    target.mkdir()
    with archive.open(entry) as stream, place.open("xb") as file:
        _copy(stream, file, min(left, entry.file_size), name)
    return Member(name.replace("\\", "/"), place)


def _outside(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return not name or name[0] in "/\\" or ".." in parts or "\0" in name or ":" in parts[0] or len(parts[-1]) > 200


def _copy(stream: IO[bytes], file: IO[bytes], most: int, name: str) -> None:
    written = 0
    while piece := stream.read(_PIECE):
        written += len(piece)
        if written > most:
            raise ZipBomb(name=name, detail="larger than its directory says")
        file.write(piece)
