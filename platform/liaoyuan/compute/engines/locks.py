"""File locks and atomic JSON files shared by processes of one var folder."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

POLL_SECONDS = 0.05


def folder_private(path: Path) -> Path:
    """Make ``path`` (and its parents) if absent, readable by its owner alone."""
    if not path.is_dir():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def json_write(path: Path, value: Any) -> None:
    """Replace ``path`` by ``value`` in one step, so that no reader sees half a file; mode 0600."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file)
    draft.replace(path)


def json_read(path: Path) -> dict[str, Any]:
    """The object in ``path``; empty when the file is absent."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return value if isinstance(value, dict) else {}


def lock_try(path: Path) -> int | None:
    """Take the exclusive lock of ``path`` for the life of this process: its descriptor, or None if another has it."""
    folder_private(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def lock_held(path: Path) -> bool:
    """Whether some process holds the exclusive lock of ``path`` right now."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def locked(path: Path, *, timeout: float = 180.0) -> Iterator[None]:
    """Hold the exclusive lock of ``path``; TimeoutError after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while (descriptor := lock_try(path)) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path} stayed locked for {timeout:.0f} s")
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        os.close(descriptor)
