"""Compiles a gettext catalogue: ``.po`` (text, kept in the repository) into ``.mo`` (what Python's gettext reads).

The format is the GNU gettext manual's: a header of seven integers, two tables of (length, offset), the strings, each
ended by a zero byte and sorted by message. No tool has to be installed for it, and no setting is read:
``python -m liaoyuan.portal.catalogue templates/locale``.
"""

import ast
import re
import struct
import sys
from pathlib import Path

MAGIC = 0x950412DE
HEADER_BYTES = 28
LINE = re.compile(r'^(?:(msgid_plural|msgid|msgstr(?:\[\d+\])?)\s+)?(".*")$')


class CatalogueInvalid(ValueError):
    """A line of the ``.po`` file that is not understood."""


def catalogue_read(text: str) -> dict[str, str]:
    """Message → translation of a ``.po`` file, plural forms joined by zero bytes as ``.mo`` holds them.

    Untranslated messages are left out. Raises CatalogueInvalid with the number of the line.
    """
    found: dict[str, str] = {}
    for entry in re.split(r"\n\s*\n", text):
        parts: dict[str, str] = {}
        current = ""
        for line in entry.splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            match = LINE.match(line.strip())
            if match is None or not (match[1] or current):
                raise CatalogueInvalid(line)
            current = match[1] or current
            parts[current] = parts.get(current, "") + str(ast.literal_eval(match[2]))
        _keep(found, parts)
    return found


def _keep(found: dict[str, str], parts: dict[str, str]) -> None:
    translations = [value for name, value in sorted(parts.items()) if name.startswith("msgstr")]
    if "msgid" not in parts or not all(translations):
        return
    plural = f"\x00{parts['msgid_plural']}" if "msgid_plural" in parts else ""
    found[parts["msgid"] + plural] = "\x00".join(translations)


def catalogue_bytes(messages: dict[str, str]) -> bytes:
    """The same as the content of a ``.mo`` file."""
    pairs = sorted((key.encode(), value.encode()) for key, value in messages.items())
    keys = b"".join(key + b"\x00" for key, _ in pairs)
    values = b"".join(value + b"\x00" for _, value in pairs)
    start = HEADER_BYTES + 16 * len(pairs)
    table, other, offset = [], [], start
    for key, _ in pairs:
        table += [len(key), offset]
        offset += len(key) + 1
    for _, value in pairs:
        other += [len(value), offset]
        offset += len(value) + 1
    numbers = [MAGIC, 0, len(pairs), HEADER_BYTES, HEADER_BYTES + 8 * len(pairs), 0, start]
    return struct.pack(f"<{len(numbers) + 4 * len(pairs)}I", *numbers, *table, *other) + keys + values


def catalogues_compile(folder: Path) -> list[Path]:
    """Compile every ``.po`` below ``folder`` that is newer than its ``.mo``; which were written."""
    written = []
    for source in sorted(folder.rglob("*.po")):
        target = source.with_suffix(".mo")
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            draft = target.with_suffix(".part")
            draft.write_bytes(catalogue_bytes(catalogue_read(source.read_text(encoding="utf-8"))))
            draft.replace(target)
            written.append(target)
    return written


if __name__ == "__main__":
    for made in catalogues_compile(Path(sys.argv[1])):
        sys.stdout.write(f"{made}\n")
