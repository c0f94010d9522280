"""Packs that were verified and read already, for as long as nothing below their folders changes.

A page may name a solution's industry, and an answer asks it for its words: reading and verifying a pack each time took
half of the work of some pages. What is kept is found again only by the state of every file and folder of the pack, the
time of change among it, which nobody can set back: a pack that was touched is read and verified anew.
"""

import os
import time
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import Any, Final

from liaoyuan.industry.pack import IndustryPack

# Times of change are only so fine: what changed just now might change once more without looking different.
SETTLED_SECONDS: Final = 2.0
MOST_KEPT: Final = 16
MOST_BYTES: Final = 20 << 20

_kept: Final[dict[tuple[Any, ...], IndustryPack]] = {}


def pack_kept(root: Path, asked: Hashable, read: Callable[[], IndustryPack]) -> IndustryPack:
    """What ``read`` gives for the pack in ``root`` as it is now; ``asked`` is all else that decides about it."""
    state = (_seen(os.fspath(root), os.lstat(root)), *_state(os.fspath(root))) if root.is_dir() else ()
    key = (os.fspath(root), asked, state)
    found = _kept.get(key)
    if found is not None:
        return found
    pack = read()
    if _worth_keeping(state):
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        _kept[key] = pack
    return pack


def _worth_keeping(state: tuple[tuple[Any, ...], ...]) -> bool:
    settled = time.time_ns() - SETTLED_SECONDS * 1e9
    return bool(state) and all(seen[-1] < settled for seen in state) and sum(seen[3] for seen in state) <= MOST_BYTES


def _state(folder: str) -> Iterator[tuple[Any, ...]]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        yield _seen(entry.path, entry.stat(follow_symlinks=False))
        if entry.is_dir(follow_symlinks=False):
            yield from _state(entry.path)


def _seen(path: str, seen: os.stat_result) -> tuple[Any, ...]:
    """(path, kind, inode, size, written, changed); of a link itself, not of what it leads to."""
    return path, seen.st_mode, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns
