"""What every kind of source can do: list what is there, a little at a time, and fetch one item into a file."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from django.conf import settings

from liaoyuan.errors import LiaoyuanError
from liaoyuan.knowledge.sources.errors import ItemTooLarge

BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One item as a listing tells of it; ``marker`` changes when the content may have.

    With ``error`` it is listed but not read; with ``folder`` True everything below ``key`` could not be listed, so that
    nothing there is taken for gone. ``owners`` are the groups that own it at its source.
    """

    key: str
    marker: str = ""
    size: int = 0
    modified: datetime | None = None
    etag: str = ""
    owners: tuple[str, ...] = ()
    error: LiaoyuanError | None = None
    folder: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What was seen of an item last time, for questions like "only if changed"."""

    etag: str = ""
    modified: datetime | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """One item's bytes at a path; ``path`` None: the source says that nothing changed."""

    path: Path | None
    sha256: str = ""
    size: int = 0
    marker: str = ""
    etag: str = ""
    modified: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """A test of the connection: what was found, in words, and the first names."""

    zh: str
    en: str
    names: tuple[str, ...] = ()


class Connector(Protocol):
    """One source, opened. Listing and fetching raise LiaoyuanError."""

    def entries(self) -> Iterator[Entry]: ...
    def fetch(self, key: str, known: Known, folder: Path) -> Fetched: ...
    def document_name(self, key: str) -> str: ...


def check(connector: Connector, most: int = 5) -> Reached:
    """Look at the beginning of the listing. Raises what the connector raises."""
    names = []
    for entry in connector.entries():
        if not entry.folder:
            names.append(entry.key)
        if len(names) > most:
            break
    shown = tuple(names[:most])
    more = len(names) > most
    many_zh, many_en = (f"{most} 个以上文件", f"more than {most} files") if more else (f"{len(names)} 个文件", "")
    return Reached(f"连接正常，找到{many_zh}", f"Connected: {many_en or f'{len(names)} files'}", shown)


def byte_limit() -> int:
    """The largest file that is taken from a source."""
    return int(settings.SOURCE_FILE_MB) << 20


def write_bounded(blocks: Iterable[bytes], target: Path, limit: int) -> tuple[str, int]:
    """SHA-256 and size of what was written. Raises ItemTooLarge at the first byte too many."""
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as stream:
        for block in blocks:
            size += len(block)
            if size > limit:
                raise ItemTooLarge(limit=limit >> 20)
            digest.update(block)
            stream.write(block)
    return digest.hexdigest(), size
