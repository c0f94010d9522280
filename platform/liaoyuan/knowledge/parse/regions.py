"""Several tables on one sheet: what empty rows or columns part, and is no table with a gap, is read apart."""

from collections.abc import Iterator
from itertools import pairwise

Rows = list[tuple[int, list[str]]]
# That many empty rows end a table whatever follows; a single one may be a pause within it.
_PAUSE = 2


def regions(rows: Rows) -> Iterator[Rows]:
    """Parts of a sheet from top to bottom, then left to right; numbers and columns of the cells stay their own."""
    for band in _bands(rows):
        yield from _sides(band)


def _bands(rows: Rows) -> Iterator[Rows]:
    band: Rows = rows[:1]
    for (above, _), row in pairwise(rows):
        gap = row[0] - above - 1
        if gap >= _PAUSE or (gap and _extent([row]) != _extent(band)):
            yield band
            band = []
        band.append(row)
    if band:
        yield band


def _extent(rows: Rows) -> tuple[int, int]:
    """The first and last column that hold something."""
    used = [index for _, cells in rows for index, cell in enumerate(cells) if cell]
    return min(used, default=0), max(used, default=0)


def _sides(band: Rows) -> Iterator[Rows]:
    """A band cut at its empty columns where each side is a table of its own: two columns and two rows at least."""
    width = max(len(cells) for _, cells in band)
    used = [any(index < len(cells) and cells[index] for _, cells in band) for index in range(width)]
    groups: list[list[int]] = []
    for index, filled in enumerate(used):
        if filled and (index == 0 or not used[index - 1]):
            groups.append([])
        if filled:
            groups[-1].append(index)
    sides = [[(number, _only(cells, group)) for number, cells in band] for group in groups]
    sides = [[row for row in side if any(row[1])] for side in sides]
    if len(groups) > 1 and all(len(group) > 1 for group in groups) and all(len(side) > 1 for side in sides):
        yield from sides
    else:
        yield band


def _only(cells: list[str], columns: list[int]) -> list[str]:
    return [cell if columns[0] <= index <= columns[-1] else "" for index, cell in enumerate(cells)]
