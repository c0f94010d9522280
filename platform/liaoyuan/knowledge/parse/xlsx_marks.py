"""What the streaming reader of a workbook does not give: merged ranges, hidden rows and columns of each sheet."""

import io
import re
import zipfile
from dataclasses import dataclass, field

_MERGE = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"')
_ROW = re.compile(rb"<(?:\w+:)?row\s([^>]*)>")
_COLUMN = re.compile(rb"<(?:\w+:)?col\s([^>]*)>")
_ATTRIBUTE = re.compile(rb'(\w+)="([^"]*)"')
_ON = frozenset({b"1", b"true"})
_NOTHING = frozenset({b"0", b"0.0"})
_MOST_MERGES, _MOST_COLUMNS = 20_000, 1024
Rows = list[tuple[int, list[str]]]


@dataclass(slots=True)
class SheetMarks:
    """``merges`` are references such as ``A2:A9``; rows and columns count from 1."""

    merges: list[str] = field(default_factory=list)
    rows: set[int] = field(default_factory=set)
    columns: set[int] = field(default_factory=set)
    folded: set[int] = field(default_factory=set)

    def shown(self, rows: Rows, flags: set[str]) -> Rows:
        """``rows`` without what is hidden, their numbers and columns unchanged; tells what went.

        Rows that a filter or a folded group hides are the sheet's own data, one click away: they stay, and are told.
        """
        if self.folded:
            flags.add("hidden_cells")
        kept: Rows = []
        for number, cells in rows:
            seen = ["" if column in self.columns else cell for column, cell in enumerate(cells, start=1)]
            if number in self.rows or seen != cells:
                flags |= {"hidden_cells", "hidden_text"}
            if number not in self.rows and any(seen):
                kept.append((number, seen))
        return kept


class Marks:
    """Reads the XML of the sheets in pieces; nothing of it is kept but these marks."""

    def __init__(self, data: bytes) -> None:
        self._archive = zipfile.ZipFile(io.BytesIO(data))

    def of(self, path: str) -> SheetMarks:
        """The marks of the sheet stored at ``path``."""
        found = SheetMarks()
        with self._archive.open(path.lstrip("/")) as stream:
            tail, filtered = b"", False
            while chunk := stream.read(1 << 20):
                window = tail + chunk
                cut = window.rfind(b"<")
                _gather(window[:cut], found)
                tail = window[cut:][-4096:]
                filtered = filtered or b"<filterColumn" in window
            _gather(tail, found)
        if filtered:
            found.folded, found.rows = found.folded | found.rows, set()
        found.merges = list(dict.fromkeys(found.merges))[:_MOST_MERGES]
        return found


def _gather(window: bytes, found: SheetMarks) -> None:
    if len(found.merges) < _MOST_MERGES:
        found.merges.extend(match.decode("ascii") for match in _MERGE.findall(window))
    for mark in _ROW.findall(window):
        if b"hidden" in mark or b'ht="0' in mark:
            row = dict(_ATTRIBUTE.findall(mark))
            if row.get(b"r", b"").isdigit() and (row.get(b"hidden") in _ON or row.get(b"ht") in _NOTHING):
                (found.folded if row.get(b"outlineLevel") else found.rows).add(int(row[b"r"]))
    for mark in _COLUMN.findall(window):
        column = dict(_ATTRIBUTE.findall(mark))
        if column.get(b"hidden") in _ON or column.get(b"width") in _NOTHING:
            first, last = int(column.get(b"min", b"0") or 0), int(column.get(b"max", b"0") or 0)
            found.columns.update(range(first, min(last, _MOST_COLUMNS) + 1))
