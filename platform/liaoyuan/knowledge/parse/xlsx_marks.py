"""What the streaming reader of a workbook does not give: merged ranges; hidden rows, columns and cells of a sheet."""

import io
import re
import zipfile
from dataclasses import dataclass, field

from openpyxl.utils import coordinate_to_tuple

from liaoyuan.knowledge.parse.xlsx_hidden import Unseen, area, inline_seen, inside

_MERGE = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"')
_ROW = re.compile(rb"<(?:\w+:)?row\s([^>]*)>")
_COLUMN = re.compile(rb"<(?:\w+:)?col\s([^>]*)>")
_CELL = re.compile(rb"<(?:\w+:)?c\s([^>]*)>(?:\s*<(?:\w+:)?v>(\d+)<)?")
_INLINE = re.compile(rb'<c\s([^>]*t="inlineStr"[^>]*)>\s*(<is>.*?</is>)', re.DOTALL)
_RULE = re.compile(rb'<(?:\w+:)?conditionalFormatting\s[^>]*?sqref="([A-Z0-9: ]{1,4096})"')
_ATTRIBUTE = re.compile(rb'(\w+)="([^"]*)"')
_ON = frozenset({b"1", b"true"})
_NOTHING = frozenset({b"0", b"0.0"})
_LONGEST_CELL = 65_536
_MOST_MERGES, _MOST_COLUMNS = 20_000, 1024
Rows = list[tuple[int, list[str]]]


@dataclass(slots=True)
class SheetMarks:
    """``merges`` are references such as ``A2:A9``; rows and columns count from 1."""

    merges: list[str] = field(default_factory=list)
    rows: set[int] = field(default_factory=set)
    columns: set[int] = field(default_factory=set)
    folded: set[int] = field(default_factory=set)
    # Cells that are not seen as they are stored, with what is seen of them: nothing, or the visible runs of their text.
    cells: dict[tuple[int, int], str] = field(default_factory=dict)
    # Cells in the colour of their own ground, unless a rule or a table's style colours it otherwise.
    pale: dict[tuple[int, int], str] = field(default_factory=dict)
    ruled: list[str] = field(default_factory=list)

    def shown(self, rows: Rows, flags: set[str]) -> Rows:
        """``rows`` without what is hidden, their numbers and columns unchanged; tells what went.

        Rows that a filter or a folded group hides are the sheet's own data, one click away: they stay, and are told.
        """
        if self.folded:
            flags.add("hidden_cells")
        kept: Rows = []
        for number, cells in rows:
            seen = [self._seen(number, column, cell) for column, cell in enumerate(cells, start=1)]
            if number in self.rows or seen != cells:
                flags |= {"hidden_cells", "hidden_text"}
            if number not in self.rows and any(seen):
                kept.append((number, seen))
        return kept

    def _seen(self, row: int, column: int, cell: str) -> str:
        if not cell or column in self.columns:
            return ""
        return self.cells.get((row, column), cell) if self.cells else cell


class Marks:
    """Reads the XML of the sheets in pieces; nothing of it is kept but these marks."""

    def __init__(self, data: bytes, unseen: Unseen) -> None:
        self._archive = zipfile.ZipFile(io.BytesIO(data))
        self._unseen = unseen

    def of(self, path: str) -> SheetMarks:
        """The marks of the sheet stored at ``path``."""
        found = SheetMarks()
        with self._archive.open(path.lstrip("/")) as stream:
            tail, filtered = b"", False
            while chunk := stream.read(1 << 20):
                window = tail + chunk
                # A cell goes with its value: windows part between cells where cells are looked at.
                apart = bool(self._unseen) or b"<rPr" in window
                cut = window.rfind(b"<c ", max(0, len(window) - _LONGEST_CELL)) if apart else -1
                cut = cut if cut > 0 else window.rfind(b"<")
                self._gather(window[:cut], found)
                tail = window[cut:][-_LONGEST_CELL:]
                filtered = filtered or b"<filterColumn" in window
            self._gather(tail, found)
        grounds = [*self._unseen.tables, *(area(one) for rule in found.ruled for one in rule.split())]
        found.cells |= {place: text for place, text in found.pale.items() if not inside(*place, grounds)}
        if filtered:
            found.folded, found.rows = found.folded | found.rows, set()
        found.merges = list(dict.fromkeys(found.merges))[:_MOST_MERGES]
        return found

    def _gather(self, window: bytes, found: SheetMarks) -> None:
        _gather(window, found)
        if b"<rPr" in window:
            self._inline(window, found)
        if not self._unseen:
            return
        found.ruled.extend(match.decode("ascii") for match in _RULE.findall(window))
        for mark, value in _CELL.findall(window):
            cell = dict(_ATTRIBUTE.findall(mark))
            self._cell(cell, value, found)

    def _inline(self, window: bytes, found: SheetMarks) -> None:
        for mark, text in _INLINE.findall(window):
            cell = dict(_ATTRIBUTE.findall(mark))
            seen = inline_seen(text) if b"<rPr" in text else None
            if seen is not None and int(cell.get(b"s", b"0") or 0) in self._unseen.bare:
                found.pale[coordinate_to_tuple(cell.get(b"r", b"").decode("ascii", "replace"))] = seen

    def _cell(self, cell: dict[bytes, bytes], value: bytes, found: SheetMarks) -> None:
        style, reference = int(cell.get(b"s", b"0") or 0), cell.get(b"r", b"").decode("ascii", "replace")
        shared = int(value) if value and cell.get(b"t") == b"s" else -1
        if style in self._unseen.tiny:
            found.cells[coordinate_to_tuple(reference)] = ""
        elif style in self._unseen.pale:
            found.pale[coordinate_to_tuple(reference)] = ""
        elif shared in self._unseen.strings and style in self._unseen.bare:
            found.pale[coordinate_to_tuple(reference)] = self._unseen.strings[shared]


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
