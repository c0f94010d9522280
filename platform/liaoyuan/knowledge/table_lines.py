"""A table as it is read in a chunk: one line for its header, one for each row, and what of them stands in the block."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from liaoyuan.knowledge.parse.blocks import Block
from liaoyuan.knowledge.parse.grid import group_labels

BETWEEN_CELLS = " | "
_Places = Sequence[Sequence[tuple[int, int]]]
# Words of one cell, and where they stand in the block's text; None where they are repeated from another cell.
_Piece = tuple[str, int | None]


@dataclass(frozen=True, slots=True)
class Span:
    """Characters ``start``..``end`` of the chunk are characters from ``block_start`` of block number ``block``."""

    start: int
    end: int
    block: int
    block_start: int


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table as it is read, and which of its characters stand literally in the block's text."""

    text: str
    spans: tuple[Span, ...]


def table_lines(block: Block, number: int) -> tuple[Line | None, list[Line]]:
    """The header of block ``number`` and its rows; no header where the block has no table.

    Cells of the block's text are parted by tabs; a merged cell stands there once, in its first row. A header of several
    rows becomes one line that names each column in full: ``人数 | 人数`` over ``男 | 女`` reads ``人数 男 | 人数 女``.
    """
    rows = [[" ".join(cell.split()) for cell in row] for row in block.table or []]
    places = _cell_places(block.text)
    # The later part of a long sheet brings the header of the first along: its text begins with the rows themselves.
    ahead = block.header_rows if len(rows) == len(places) + block.header_rows else 0
    pieces = [
        [(cell, _literal(block.text, places, index - ahead, column, cell)) for column, cell in enumerate(row)]
        for index, row in enumerate(rows)
    ]
    count = block.header_rows
    names = [_names(pieces[:count]), *([[piece] for piece in row] for row in pieces[count:])]
    lines = [_line(cells, number) for cells in names if any(text for cell in cells for text, _ in cell)]
    return (lines[0], lines[1:]) if lines else (None, [])


def _names(rows: Sequence[Sequence[_Piece]]) -> list[list[_Piece]]:
    """The words that name each column, from the top down: a label over several columns belongs to each of them, one
    over all of them is the table's title and is said once."""
    columns: list[list[_Piece]] = [[] for _ in max(rows, key=len, default=())]
    for number, row in enumerate(rows):
        groups = group_labels([text for text, _ in row])
        title = len(set(groups)) == 1
        for column, label in enumerate(groups):
            own = label == column
            if own or (number < len(rows) - 1 and not title):
                text, start = row[label]
                if text and text not in (words for words, _ in columns[column]):
                    columns[column].append((text, start if own else None))
    return columns


def _line(cells: Sequence[Sequence[_Piece]], number: int) -> Line:
    spans: list[Span] = []
    texts: list[str] = []
    position = 0
    for cell in cells:
        inside = position
        for text, start in cell:
            if text and start is not None:
                spans.append(Span(inside, inside + len(text), number, start))
            inside += len(text) + 1
        texts.append(" ".join(text for text, _ in cell))
        position += len(texts[-1]) + len(BETWEEN_CELLS)
    return Line(BETWEEN_CELLS.join(texts), tuple(spans))


def assembled(lines: Sequence[Line]) -> Line:
    """Lines below each other as one."""
    spans: list[Span] = []
    position = 0
    for line in lines:
        spans.extend(moved(line.spans, position))
        position += len(line.text) + 1
    return Line("\n".join(line.text for line in lines), tuple(spans))


def moved(spans: Iterable[Span], by: int) -> Iterator[Span]:
    """The same spans ``by`` characters further on in the chunk."""
    return (replace(span, start=span.start + by, end=span.end + by) for span in spans)


def _cell_places(text: str) -> list[list[tuple[int, int]]]:
    """Start and end of every cell in a table's text, row by row."""
    rows, position = [], 0
    for line in text.split("\n"):
        cells = []
        for cell in line.split("\t"):
            cells.append((position, position + len(cell)))
            position += len(cell) + 1
        rows.append(cells)
    return rows


def _literal(text: str, places: _Places, row: int, column: int, cell: str) -> int | None:
    """Where a cell's words stand: in its own place, or above it, where a merged cell begins."""
    for above in range(min(row, len(places) - 1), -1, -1):
        start, end = places[above][column] if column < len(places[above]) else (0, 0)
        found = text.find(cell, start, end)
        if found >= 0 or text[start:end].strip():
            return found if found >= 0 else None
    return None
