"""Reads a pack's folder into memory once, refusing anything that is not a small plain file inside it.

What is verified is what is used: hashes, settings and code all come from the bytes read here, so nothing can be
swapped in between.
"""

import os
import stat
from pathlib import Path

from liaoyuan.industry.errors import PackHostile

MAX_FILE_BYTES = 20 * 1024 * 1024
MAX_PACK_BYTES = 200 * 1024 * 1024
MAX_FILES = 5000
# Python may leave caches behind; they are never read (code runs from the verified source), so they are not part of
# a pack.
IGNORED_FOLDERS = frozenset({"__pycache__"})

PackFiles = dict[str, bytes]


def files_read(root: Path) -> PackFiles:
    """Every file below ``root`` by its path with forward slashes, in sorted order.

    Raises:
        PackHostile: a symbolic link, a device, an odd name, or more than a pack may hold.
    """
    if root.is_symlink() or not root.is_dir():
        raise PackHostile(file=root.name, problem="it is not a plain folder", problem_zh="它不是普通文件夹")
    found: PackFiles = {}
    total = 0
    for path in _walk(root):
        name = path.relative_to(root).as_posix()
        data = _read(path, name)
        total += len(data)
        if total > MAX_PACK_BYTES or len(found) >= MAX_FILES:
            raise PackHostile(
                file=name,
                problem=f"a pack holds at most {MAX_FILES} files and {MAX_PACK_BYTES // 2**20} MB",
                problem_zh=f"一个行业包最多 {MAX_FILES} 个文件、{MAX_PACK_BYTES // 2**20} MB",
            )
        found[name] = data
    return dict(sorted(found.items()))


def _walk(root: Path) -> list[Path]:
    paths: list[Path] = []
    for folder, folders, names in os.walk(root, followlinks=False):
        folders[:] = sorted(f for f in folders if f not in IGNORED_FOLDERS)
        here = Path(folder)
        for link in (here / f for f in folders):
            if link.is_symlink():
                raise _link(link.relative_to(root).as_posix())
        paths.extend(here / name for name in names)
    return paths


def _read(path: Path, name: str) -> bytes:
    if any(ord(character) < 32 for character in name) or "\\" in name:
        raise PackHostile(
            file=repr(name), problem="its name holds a forbidden character", problem_zh="名称含有禁用字符"
        )
    try:
        # O_NOFOLLOW: a link swapped in after the walk is refused here as well; O_NONBLOCK: a pipe does not hang us.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if path.is_symlink():
            raise _link(name) from error
        raise PackHostile(file=name, problem=f"it cannot be read ({error.strerror})", problem_zh="无法读取") from error
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise PackHostile(file=name, problem="it is not a plain file", problem_zh="不是普通文件")
        if status.st_size > MAX_FILE_BYTES:
            limit = MAX_FILE_BYTES // 2**20
            raise PackHostile(file=name, problem=f"it is larger than {limit} MB", problem_zh=f"大于 {limit} MB")
        return file.read()


def _link(name: str) -> PackHostile:
    return PackHostile(file=name, problem="symbolic links are refused", problem_zh="不接受符号链接")
