"""Looks into a zip container before anything unpacks it."""

import io
import zipfile
from collections.abc import Sequence

from liaoyuan.knowledge.parse.errors import Corrupt, Encrypted, ZipBomb
from liaoyuan.knowledge.parse.limits import Limits
from liaoyuan.knowledge.parse.source import Source

_ENCIPHERED = 0x1
# Below this a high ratio is only a small, repetitive file.
_HARMLESS_BYTES = 10 * 1024 * 1024
_ARCHIVE_SUFFIXES = (".zip", ".7z", ".rar", ".gz", ".tgz", ".bz2", ".xz", ".tar", ".jar", ".zst", ".cab", ".iso")
_ARCHIVE_MAGIC = (b"PK\x03\x04", b"7z\xbc\xaf", b"Rar!", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
_OFFICE_SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".docx", ".pptx", ".ppsx", ".sldx", ".glb", ".emz", ".wmz", ".odttf")


def open_archive(source: Source) -> zipfile.ZipFile:
    """The container, its directory read; raises Corrupt where that fails."""
    try:
        return zipfile.ZipFile(io.BytesIO(source.data))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise Corrupt(name=source.name) from error


def inspect_archive(source: Source, archive: zipfile.ZipFile) -> set[str]:
    """Refuses bombs, encrypted members and archives inside; returns flags (``embedded_objects``).

    Only the directory and a few first bytes are read. Embedded Office files (every chart in a presentation has one)
    are never opened by us, so they are flagged and not refused.
    """
    entries = archive.infolist()
    check_directory(source.name, entries, source.limits)
    flags: set[str] = set()
    for entry in entries:
        if entry.filename.lower().endswith(_OFFICE_SUFFIXES):
            flags.add("embedded_objects")
        elif _is_archive(archive, entry):
            raise ZipBomb(name=source.name, detail=f"archive inside: {entry.filename[:80]!r}")
    return flags


def check_directory(name: str, entries: Sequence[zipfile.ZipInfo], limits: Limits) -> None:
    """Refuses by the directory alone, before a byte is unpacked: Encrypted for enciphered members, ZipBomb for too
    many, too much, or what was packed too tightly to be a document."""
    if any(entry.flag_bits & _ENCIPHERED for entry in entries):
        raise Encrypted(name=name)
    total = sum(entry.file_size for entry in entries)
    packed = max(1, sum(entry.compress_size for entry in entries))
    if len(entries) > limits.archive_entries:
        raise ZipBomb(name=name, detail=f"{len(entries)} entries")
    if total > limits.unpacked_bytes:
        raise ZipBomb(name=name, detail=f"{total // 1048576} MB unpacked")
    ratio = max(
        [total / packed]
        + [entry.file_size / max(1, entry.compress_size) for entry in entries if entry.file_size > _HARMLESS_BYTES]
    )
    if total > _HARMLESS_BYTES and ratio > limits.unpack_ratio:
        raise ZipBomb(name=name, detail=f"ratio {ratio:.0f}")


def _is_archive(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    if entry.is_dir():
        return False
    if entry.filename.lower().endswith(_ARCHIVE_SUFFIXES):
        return True
    if entry.filename.lower().endswith((".xml", ".rels", ".vml", ".png", ".jpeg", ".jpg")):
        return False
    try:
        with archive.open(entry) as stream:
            return stream.read(8).startswith(_ARCHIVE_MAGIC)
    except (zipfile.BadZipFile, OSError, NotImplementedError, EOFError):
        # A member that cannot be read is none we would unpack; the reader of the format says whether it needed it.
        return False
