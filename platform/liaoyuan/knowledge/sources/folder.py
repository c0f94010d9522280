"""Files below a root that the operator opened. Every step is taken from an open folder and never through a link, so
that nobody who can write there leads us out, not even in the moment between looking and opening."""

import grp
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Final

from liaoyuan.errors import LiaoyuanError
from liaoyuan.knowledge.sources.connector import BLOCK, Entry, Fetched, Known, byte_limit, write_bounded
from liaoyuan.knowledge.sources.errors import (
    ItemMoving,
    ItemTooLarge,
    ItemUnreadable,
    ItemUnsafe,
    SourceUnreachable,
)
from liaoyuan.knowledge.sources.settings import FolderSettings

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# NONBLOCK: a pipe that somebody put there must not hold us for ever.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LITTER: Final = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db"})
_DEEPEST: Final = 64


class Folder:
    """A folder and everything below it, hidden files and links left out."""

    def __init__(self, settings: FolderSettings, root: Path) -> None:
        self._settings = settings
        self._root = root
        self._groups: dict[int, tuple[str, ...]] = {}

    def document_name(self, key: str) -> str:
        return key

    def entries(self) -> Iterator[Entry]:
        """Files in an order that stays, one folder in memory at a time. Raises SourceUnreachable where the root is
        missing."""
        with self._opened(PurePosixPath()) as start:
            yield from self._walk(start, PurePosixPath(), 0)

    def fetch(self, key: str, known: Known, folder: Path) -> Fetched:
        """Copy one file; raises ItemMoving where it changes meanwhile."""
        place = PurePosixPath(key)
        if place.is_absolute() or ".." in place.parts or not place.parts:
            raise ItemUnsafe
        with self._opened(place.parent) as parent:
            try:
                file = os.open(place.name, _FILE, dir_fd=parent)
            except OSError as error:
                raise _told(error) from error
        with os.fdopen(file, "rb") as stream:
            before = os.fstat(stream.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise ItemUnsafe
            if before.st_size > byte_limit():
                raise ItemTooLarge(limit=byte_limit() >> 20)
            target = folder / "content"
            try:
                sha256, size = write_bounded(iter(lambda: stream.read(BLOCK), b""), target, byte_limit())
            except OSError as error:
                raise _told(error) from error
            after = os.fstat(stream.fileno())
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise ItemMoving
        return Fetched(target, sha256, size, _marker(after), "", _time(after))

    @contextmanager
    def _opened(self, place: PurePosixPath) -> Iterator[int]:
        """The folder ``place`` below ours, step by step. The root is the operator's own word and may be a link."""
        try:
            current = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise SourceUnreachable(place=str(self._root), detail=error.strerror or "") from error
        try:
            for part in (*PurePosixPath(self._settings.path).parts, *place.parts):
                try:
                    onward = os.open(part, _FOLDER, dir_fd=current)
                except OSError as error:
                    raise SourceUnreachable(place=f"{self._root}/{part}", detail=error.strerror or "") from error
                os.close(current)
                current = onward
            yield current
        finally:
            os.close(current)

    def _walk(self, opened: int, place: PurePosixPath, depth: int) -> Iterator[Entry]:
        with os.scandir(opened) as found:
            names = sorted(each.name for each in found if not each.name.startswith("."))
        for name in names:
            if name.lower() in _LITTER or "\x00" in name:
                continue
            key = (place / name).as_posix()
            if len(key) > 1024 or not _utf8(key):
                continue
            yield from self._entry(opened, name, key, place / name, depth)

    def _entry(self, opened: int, name: str, key: str, place: PurePosixPath, depth: int) -> Iterator[Entry]:
        try:
            facts = os.stat(name, dir_fd=opened, follow_symlinks=False)
        except OSError:
            return
        if stat.S_ISDIR(facts.st_mode):
            yield from self._below(opened, name, key, place, depth)
        elif stat.S_ISREG(facts.st_mode):
            error = ItemTooLarge(limit=byte_limit() >> 20) if facts.st_size > byte_limit() else None
            yield Entry(key, _marker(facts), facts.st_size, _time(facts), "", self._owners(facts.st_gid), error)
        else:
            yield Entry(key, "link", error=ItemUnsafe())

    def _below(self, opened: int, name: str, key: str, place: PurePosixPath, depth: int) -> Iterator[Entry]:
        """A folder that cannot be opened is told as such: what is in it is not gone."""
        if depth >= _DEEPEST:
            yield Entry(key, folder=True, error=ItemUnreadable(detail="too deep"))
            return
        try:
            inner = os.open(name, _FOLDER, dir_fd=opened)
        except OSError as error:
            yield Entry(key, folder=True, error=ItemUnreadable(detail=error.strerror or ""))
            return
        try:
            yield from self._walk(inner, place, depth + 1)
        finally:
            os.close(inner)

    def _owners(self, gid: int) -> tuple[str, ...]:
        """Our group for the file's owner group, after the source's own table."""
        if not self._settings.owner_groups:
            return ()
        if gid not in self._groups:
            names = {str(gid)}
            with suppress(KeyError):
                names.add(grp.getgrgid(gid).gr_name)
            table = self._settings.owner_groups
            self._groups[gid] = tuple(sorted(table[name] for name in names if name in table))
        return self._groups[gid]


def _marker(facts: os.stat_result) -> str:
    return f"{facts.st_mtime_ns}-{facts.st_size}"


def _time(facts: os.stat_result) -> datetime:
    return datetime.fromtimestamp(facts.st_mtime, UTC)


def _utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _told(error: OSError) -> LiaoyuanError:
    if error.errno in {40, 6}:  # a link, or a pipe without a writer
        return ItemUnsafe()
    return ItemUnreadable(detail=error.strerror or type(error).__name__)
