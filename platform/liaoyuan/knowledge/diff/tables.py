"""Two states of one table, cell by cell: columns are matched by their heads, rows by their content."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from liaoyuan.knowledge.diff.words import Part, likeness, sketch, words_diff

RowKind = Literal["same", "changed", "removed", "added"]
Table = Sequence[Sequence[str]]
_ALIKE = 0.4


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell; its parts say what stayed, went and came."""

    kind: RowKind
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of both tables; ``number`` counts from 1 in the newer table, in the older one for a row that went."""

    kind: RowKind
    number: int
    cells: tuple[Cell, ...]


def tables_diff(before: Table, after: Table) -> tuple[Row, ...]:
    """All rows of both tables in the newer one's order."""
    columns = _columns(before, after)
    rows: list[Row] = []
    old = [tuple(row) for row in before]
    new = [tuple(row) for row in after]
    for kind, i, k, j, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal" and len(columns) == len(old[0] if old else ()):
            rows += [_row("same", j + step + 1, columns, old[i + step], new[j + step]) for step in range(k - i)]
        else:
            rows += _changed(columns, before[i:k], after[j:m], i, j)
    return tuple(rows)


def _columns(before: Table, after: Table) -> list[tuple[int | None, int | None]]:
    """Which column is which, (before, after), by the first row; by place where the heads tell nothing."""
    heads = list(before[0]) if before else []
    newer = list(after[0]) if after else []
    if len(heads) == len(newer):
        return [(place, place) for place in range(len(heads))]
    pairs: list[tuple[int | None, int | None]] = []
    for kind, i, k, j, m in SequenceMatcher(None, heads, newer, autojunk=False).get_opcodes():
        shared = min(k - i, m - j) if kind in {"equal", "replace"} else 0
        pairs += [(i + step, j + step) for step in range(shared)]
        pairs += [(place, None) for place in range(i + shared, k)]
        pairs += [(None, place) for place in range(j + shared, m)]
    return pairs


def _changed(
    columns: Sequence[tuple[int | None, int | None]], before: Table, after: Table, first: int, second: int
) -> list[Row]:
    """Rows of a stretch that changed: the likest are one row that changed, in order; the rest went or came."""
    rows: list[Row] = []
    start = 0
    for number, row in enumerate(after):
        best = max(
            range(start, min(len(before), start + 40)), key=lambda at: _alike(before[at], row, at - start), default=None
        )
        if best is None or _alike(before[best], row, 0) < _ALIKE:
            rows.append(_row("added", second + number + 1, columns, None, row))
            continue
        gone = range(start, best)
        rows += [_row("removed", first + at + 1, columns, before[at], None) for at in gone]
        kind: RowKind = "same" if list(before[best]) == list(row) else "changed"
        rows.append(_row(kind, second + number + 1, columns, before[best], row))
        start = best + 1
    rows += [_row("removed", first + at + 1, columns, before[at], None) for at in range(start, len(before))]
    return rows


def _alike(before: Sequence[str], after: Sequence[str], distance: int) -> float:
    """The first cell usually names the row, so it counts as much as the rest; of two alike rows the nearer one."""
    named = bool(before and after and before[0] and before[0] == after[0])
    rest = likeness(sketch(" ".join(before)), sketch(" ".join(after)))
    return (0.5 if named else 0.0) + rest / (2 if named else 1) - distance * 1e-6


def _row(
    kind: RowKind,
    number: int,
    columns: Sequence[tuple[int | None, int | None]],
    before: Sequence[str] | None,
    after: Sequence[str] | None,
) -> Row:
    cells = tuple(_cell(_at(before, old), _at(after, new)) for old, new in columns)
    if kind == "same" and any(cell.kind != "same" for cell in cells):
        kind = "changed"
    return Row(kind, number, cells)


def _at(row: Sequence[str] | None, place: int | None) -> str | None:
    return None if row is None or place is None or place >= len(row) else row[place]


def _cell(before: str | None, after: str | None) -> Cell:
    if before is None:
        return Cell("added", (Part("added", after),) if after else ())
    if after is None:
        return Cell("removed", (Part("removed", before),) if before else ())
    return Cell("same" if before == after else "changed", words_diff(before, after))
