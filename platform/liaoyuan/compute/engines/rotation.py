"""Log files that never fill the disk: past a size the file becomes ``.1``, that one ``.2``, and the oldest goes."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

LARGEST_BYTES: Final = 10 * 1024 * 1024
KEPT: Final = 5


class RotatedFile:
    """Appends lines to ``path`` (0600), which is opened at the first line."""

    def __init__(self, path: Path, *, largest: int = LARGEST_BYTES, kept: int = KEPT) -> None:
        self.path = path
        self._largest, self._kept = largest, kept
        self._file: int | None = None
        self._size = 0

    def line(self, text: str) -> None:
        """Write ``text`` and its end. A full or read-only disk must not end the supervisor: the line is lost then."""
        data = text.encode(errors="replace") + b"\n"
        with suppress(OSError):
            if self._file is not None and not self.path.exists():
                self.close()  # somebody else's logrotate moved it away
            if self._file is None:
                self._open()
            if self._size and self._size + len(data) > self._largest:
                self.close()
                rotate(self.path, kept=self._kept)
                self._open()
            self._size += os.write(self._file, data) if self._file is not None else 0

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> None:
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._file).st_size


def rotate(path: Path, *, kept: int = KEPT) -> None:
    """Move ``path`` to ``path.1``, ``path.1`` to ``path.2`` … and forget what was the oldest of ``kept``."""
    for number in range(kept - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        with suppress(FileNotFoundError):
            older.replace(path.with_name(f"{path.name}.{number + 1}"))
    with suppress(FileNotFoundError):
        path.replace(path.with_name(f"{path.name}.1"))


def rotate_if_large(path: Path, *, largest: int = LARGEST_BYTES, kept: int = KEPT) -> None:
    """For a file that a program is about to open by itself (the log of an unsupervised engine)."""
    with suppress(FileNotFoundError):
        if path.stat().st_size > largest:
            rotate(path, kept=kept)
