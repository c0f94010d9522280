"""A comparison in storage: one line a change, read only where somebody looks, since a book has twenty thousand."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import overload

from liaoyuan.knowledge.diff.compare import Change, ChangeKind, Comparison

_MARKS: dict[str, ChangeKind] = {"=": "same", "~": "changed", "+": "added", "-": "removed", ">": "moved"}
_KINDS = {kind: mark for mark, kind in _MARKS.items()}


class KeptChanges(Sequence[Change]):
    """The changes of a stored comparison; each is read from its line when it is asked for."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, place: int) -> Change: ...
    @overload
    def __getitem__(self, place: slice) -> "KeptChanges": ...
    def __getitem__(self, place: int | slice) -> "Change | KeptChanges":
        if isinstance(place, slice):
            return KeptChanges(self._lines[place])
        return Change.from_dict(json.loads(self._lines[place][1:]))


def comparison_write(found: Comparison, path: Path) -> None:
    """First the counts, then line by line a mark of its kind and the change."""
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps(found.counts) + "\n")
        for change in found.changes:
            body = json.dumps(change.as_dict(), ensure_ascii=False, separators=(",", ":"))
            file.write(f"{_KINDS[change.kind]}{body}\n")


def comparison_read(path: Path) -> Comparison:
    """What :func:`comparison_write` wrote."""
    # JSON escapes every line break that stands in a text, and leaves alone those that only Unicode knows.
    counts, *lines = path.read_text(encoding="utf-8").split("\n")
    kept = [line for line in lines if line]
    return Comparison(KeptChanges(kept), json.loads(counts), [_MARKS[line[0]] for line in kept])
