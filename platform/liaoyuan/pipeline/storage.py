"""Files behind one small interface.

Keys are ``<organization>/<kind>/<id>/…``; nothing outside of the root is ever touched.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Protocol
from uuid import UUID

from django.conf import settings

from liaoyuan.errors import LiaoyuanError

BLOCK = 1 << 20


class UnsafeKey(LiaoyuanError):
    code = "unsafe_key"
    zh = "文件键“{key}”不安全。"
    en = "The file key “{key}” is not safe."


class DiskFull(LiaoyuanError):
    code = "disk_full"
    zh = "磁盘空间不足，无法写入“{key}”。请清理磁盘后重试；已完成的部分不会丢失。"
    en = "The disk is full: “{key}” was not written. Free some space and retry; what was done stays."
    retryable = True
    status = 507


class Storage(Protocol):
    """A place for files. Adapters: a local folder here, S3 later."""

    def put(self, key: str, source: Path) -> str: ...
    def open_path(self, key: str) -> Path: ...
    def exists(self, key: str) -> bool: ...
    def delete(self, key: str) -> None: ...
    def list(self, prefix: str) -> Iterator[str]: ...


def storage_key(organization_id: UUID, kind: str, identifier: UUID, *names: str) -> str:
    """The key of a tenant's file: the organization is always its first part."""
    return "/".join([str(organization_id), kind, str(identifier), *names])


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, or of a folder's files in order of their names."""
    digest = hashlib.sha256()
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    for file in files:
        if path.is_dir():
            digest.update(str(file.relative_to(path)).encode())
        with file.open("rb") as stream:
            while block := stream.read(BLOCK):
                digest.update(block)
    return digest.hexdigest()


class LocalFolder:
    """Storage below one folder. A file appears under its key whole or not at all."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def _path(self, key: str) -> Path:
        pure = PurePosixPath(key)
        if pure.is_absolute() or ".." in pure.parts or "\x00" in key or "\\" in key or not pure.parts:
            raise UnsafeKey(key=key)
        return self.root / pure

    def put(self, key: str, source: Path) -> str:
        """Copy ``source`` (file or folder) under ``key`` and return its SHA-256. Raises DiskFull."""
        target = self._path(key)
        draft = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, draft)
            else:
                shutil.copyfile(source, draft)
            if target.is_dir():
                shutil.rmtree(target)
            draft.replace(target)
        except OSError as error:
            _remove(draft)
            if error.errno in {28, 122}:
                raise DiskFull(key=key) from error
            raise
        return file_sha256(target)

    def open_path(self, key: str) -> Path:
        """A local path with the content of ``key``. Raises FileNotFoundError."""
        path = self._path(key)
        if not path.exists():
            raise FileNotFoundError(key)
        return path

    def exists(self, key: str) -> bool:
        return self._path(key).exists()

    def delete(self, key: str) -> None:
        """Remove ``key``; a missing one is fine."""
        _remove(self._path(key))

    def list(self, prefix: str) -> Iterator[str]:
        """The keys of all files below ``prefix``."""
        start = self._path(prefix)
        for path in sorted(start.rglob("*")) if start.is_dir() else []:
            if path.is_file():
                yield path.relative_to(self.root).as_posix()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@cache
def storage() -> Storage:
    """The storage in force."""
    return LocalFolder(Path(settings.MEDIA_ROOT))
