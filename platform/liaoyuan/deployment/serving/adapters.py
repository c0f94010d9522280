"""LoRA adapters: verified, copied to where only this server writes, and remembered over a restart."""

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from liaoyuan.deployment.serving.errors import AdapterRefused

GGUF_MAGIC = b"GGUF"
READ_BYTES = 1 << 20
LARGEST_BYTES = 4 << 30
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


@dataclass(frozen=True)
class Adapter:
    """One adapter; ``path`` is the server's own copy."""

    name: str
    path: Path
    sha256: str

    def as_dict(self) -> dict[str, str]:
        return {key: str(value) for key, value in asdict(self).items()}


class AdapterStore:
    """The file ``adapters.json`` and beside it the copies, named by their hash."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._folder = file.parent / "adapters"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def take_in(self, name: str, source: Path, sha256: str) -> Adapter:
        """Copy ``source`` while hashing it, so that what was verified is what is loaded. Raises AdapterRefused."""
        if not NAME.fullmatch(name):
            raise AdapterRefused(name=name, detail="the name may hold letters, digits and . _ : - only")
        target = self._folder / f"{sha256.lower()}.gguf"
        draft = target.with_suffix(f".{os.getpid()}")
        try:
            found = _copy_hashed(name, source, draft)
            if found != sha256.lower():
                raise AdapterRefused(name=name, detail=f"its sha256 is {found}, announced was {sha256}")
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
        return Adapter(name, target, found)

    def save(self, adapters: list[Adapter]) -> None:
        """Remember ``adapters``, and drop copies that nobody names any more."""
        draft = self._file.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({"adapters": [adapter.as_dict() for adapter in adapters]}), encoding="utf-8")
        draft.replace(self._file)

    def forget_file(self, adapter: Adapter, kept: list[Adapter]) -> None:
        """Remove the copy of ``adapter`` unless another name uses the same bytes."""
        if all(other.path != adapter.path for other in kept):
            adapter.path.unlink(missing_ok=True)

    def restore(self) -> tuple[list[Adapter], dict[str, str]]:
        """The remembered adapters whose files are still what they were, and the lost ones with the reason."""
        kept: list[Adapter] = []
        lost: dict[str, str] = {}
        for value in _read(self._file):
            adapter = Adapter(value["name"], Path(value["path"]), value["sha256"])
            if not adapter.path.is_file():
                lost[adapter.name] = f"{adapter.path} is gone"
            elif _hash(adapter.path) != adapter.sha256:
                lost[adapter.name] = f"{adapter.path} was changed"
            else:
                kept.append(adapter)
        return kept, lost


def _read(file: Path) -> list[dict[str, Any]]:
    try:
        return list(json.loads(file.read_text(encoding="utf-8"))["adapters"])
    except FileNotFoundError:
        return []


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy_hashed(name: str, source: Path, target: Path) -> str:
    digest, size = hashlib.sha256(), 0
    try:
        with source.open("rb") as read, target.open("wb") as write:
            if not source.is_file() or os.fstat(read.fileno()).st_size > LARGEST_BYTES:
                raise AdapterRefused(name=name, detail=f"{source} is no file, or larger than {LARGEST_BYTES} bytes")
            while block := read.read(READ_BYTES):
                if size == 0 and not block.startswith(GGUF_MAGIC):
                    raise AdapterRefused(name=name, detail=f"{source} is not a GGUF file")
                size += len(block)
                digest.update(block)
                write.write(block)
    except OSError as error:
        raise AdapterRefused(name=name, detail=f"{source} cannot be read ({error.strerror})") from error
    if size == 0:
        raise AdapterRefused(name=name, detail=f"{source} is empty")
    return digest.hexdigest()
