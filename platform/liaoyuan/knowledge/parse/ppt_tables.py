"""Tables of PowerPoint 97–2003: a group of text boxes whose property says table, each box a cell by its anchor.

After Microsoft's [MS-ODRAW] (OfficeArtSpgrContainer, tableProperties 0x039F, OfficeArtChildAnchor).
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from liaoyuan.knowledge.parse.blocks import Block
from liaoyuan.knowledge.parse.grid import Grid, table_block

GROUP: Final = 0xF003
_SHAPE, _PROPERTIES, _MORE_PROPERTIES, _ANCHOR, _TEXT_BOX = 0xF004, 0xF00B, 0xF122, 0xF00F, 0xF00D
_TABLE_PROPERTY, _LARGEST = 0x039F, 5000
_PROPERTY = struct.Struct("<HI")
_EDGES = struct.Struct("<4i")
Records = Callable[[bytes], Iterator[tuple[int, int, bytes]]]
Texts = Callable[[bytes], str]
# left, top, right, bottom and the words inside
_Cell = tuple[tuple[int, int, int, int], str]


def is_table(group: bytes, records: Records) -> bool:
    """Whether the content of a group of shapes is a table: its first shape stands for the group itself."""
    first = next((data for _, name, data in records(group) if name == _SHAPE), b"")
    return any(
        _says_table(head, data) for head, name, data in records(first) if name in {_PROPERTIES, _MORE_PROPERTIES}
    )


def table_of(group: bytes, records: Records, texts: Texts, *, page: int, locator: str) -> Block | None:
    """The block of a table's group; None where its boxes make no grid."""
    shapes = [data for _, name, data in records(group) if name == _SHAPE][1:]
    cells = [(edges, texts(data)) for data in shapes if (edges := _edges(data, records)) is not None]
    lefts, tops = sorted({edges[0] for edges, _ in cells}), sorted({edges[1] for edges, _ in cells})
    if len(lefts) < 2 or len(tops) < 2 or len(lefts) * len(tops) > _LARGEST:
        return None
    once, filled = _grids(cells, lefts, tops)
    return table_block(once, filled=filled, page=page, locator=locator) if any(map(any, once)) else None


def _grids(cells: Sequence[_Cell], lefts: Sequence[int], tops: Sequence[int]) -> tuple[Grid, Grid]:
    """Each value once, and merged cells repeated over what they cover."""
    once = [[""] * len(lefts) for _ in tops]
    filled = [[""] * len(lefts) for _ in tops]
    for (left, top, right, bottom), text in cells:
        once[tops.index(top)][lefts.index(left)] = text
        for row in (row for row, edge in enumerate(tops) if top <= edge < max(bottom, top + 1)):
            for column in (column for column, edge in enumerate(lefts) if left <= edge < max(right, left + 1)):
                filled[row][column] = text
    return once, filled


def _says_table(head: int, properties: bytes) -> bool:
    count = min(head >> 4, len(properties) // _PROPERTY.size)
    found = (_PROPERTY.unpack_from(properties, place * _PROPERTY.size) for place in range(count))
    return any(name & 0x3FFF == _TABLE_PROPERTY and value & 1 for name, value in found)


def _edges(shape: bytes, records: Records) -> tuple[int, int, int, int] | None:
    """Where a cell lies; None of a mere line between cells, which has no room for text."""
    parts = {name: data for _, name, data in records(shape)}
    if _TEXT_BOX not in parts or len(parts.get(_ANCHOR, b"")) < _EDGES.size:
        return None
    left, top, right, bottom = _EDGES.unpack_from(parts[_ANCHOR])
    return left, top, right, bottom
