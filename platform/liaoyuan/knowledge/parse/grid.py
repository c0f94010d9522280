"""A grid of cells as a block, the same way for every format that has tables."""

import re

from liaoyuan.knowledge.parse.blocks import Block, BlockType

Grid = list[list[str]]

_MOST_HEADER = 3
_LONGEST_NAME = 40
_FIGURE = re.compile(r"^[\s\d.,，%％‰±~～—–\-+/:：()（）<>≤≥]+$")


def table_text(rows: Grid) -> str:
    """Cells joined by tabs, rows by line ends; breaks inside a cell become blanks."""
    return "\n".join("\t".join(" ".join(cell.split("\n")) for cell in row).rstrip("\t") for row in rows)


def trim(rows: Grid) -> Grid:
    """Without empty rows and without columns that are empty throughout."""
    kept = [row for row in rows if any(row)]
    width = max((len(row) for row in kept), default=0)
    padded = [row + [""] * (width - len(row)) for row in kept]
    columns = [index for index in range(width) if any(row[index] for row in padded)]
    return [[row[index] for index in columns] for row in padded]


def table_block(
    rows: Grid, *, filled: Grid | None = None, page: int | None = None, locator: str = "", header: int = 0
) -> Block:
    """``rows`` hold each value once and give the text; ``filled`` repeats merged cells and gives the table. ``header``:
    how many rows the format itself calls the header, 0 where it does not say."""
    table = filled if filled is not None else rows
    count = max(min(header, len(rows) - 1, _MOST_HEADER), header_rows(rows, table))
    return Block(BlockType.TABLE, table_text(rows), page=page, locator=locator, table=table, header_rows=count)


def header_rows(once: Grid, filled: Grid) -> int:
    """How many rows at the top name the columns, seen from their merged cells: 人数 over 男 and 女 is a header of two.

    A row goes on in the next where a label stands over several columns, each of which the next row names, while under
    the other labels it has nothing of its own. Where all labels are such groups, the names below must not be figures.
    """
    count = 1
    while count < min(len(once) - 1, _MOST_HEADER) and _goes_on(once[count - 1], filled[count - 1], once[count]):
        count += 1
    return count


def _goes_on(row: list[str], filled: list[str], below: list[str]) -> bool:
    groups = group_labels(filled)
    width = min(len(groups), len(below))
    grouped = {label for column, label in enumerate(groups) if label != column}
    inside = [column for column in range(width) if groups[column] in grouped]
    beside = [column for column in range(width) if groups[column] not in grouped]
    if not grouped or not all(below[column] for column in inside) or any(below[column] for column in beside):
        return False
    names = all(len(below[column]) <= _LONGEST_NAME for column in inside)
    # The cells of a merged column are empty below; without one the row could as well be the first of the body.
    told = any(row[column] or filled[column] for column in beside)
    return names and (told or not any(_FIGURE.match(below[column]) for column in inside))


def group_labels(row: list[str]) -> list[int]:
    """For each column the one whose label stands over it: itself, or the nearest to the left where it is empty."""
    found: list[int] = []
    for column, cell in enumerate(row):
        found.append(column if cell or not found or not row[found[-1]] else found[-1])
    return found
