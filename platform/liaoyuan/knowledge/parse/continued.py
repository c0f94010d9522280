"""A table that goes on over the page: one block again, its repeated header dropped, each part with its own place."""

import re
from dataclasses import replace

from liaoyuan.knowledge.parse.blocks import Block, BlockType, TextLine
from liaoyuan.knowledge.parse.grid import Grid, table_text

# Points by which the edges of the two parts may differ.
_EDGE = 12.0
_AGAIN = re.compile(r"^[（(]?\s*(?:续表|续上表|表.{0,30}[（(]?续[）)]?|table\s.{0,40}continued)", re.IGNORECASE)


def tables_joined(blocks: list[Block]) -> list[Block]:
    """Tables at the end of one page and at the head of the next, of as many columns and as wide, become one."""
    joined: list[Block] = []
    for block in blocks:
        last = _last_table(joined, block)
        if last is not None and _goes_on(joined[last], block):
            joined[last:] = [_together(joined[last], block)]
        else:
            joined.append(block)
    return joined


def _last_table(joined: list[Block], block: Block) -> int | None:
    """The index of the table right before ``block``; a line that says "continued" may stand between."""
    if block.type is not BlockType.TABLE or not joined:
        return None
    index = len(joined) - 1
    if joined[index].type is not BlockType.TABLE and index and _AGAIN.match(joined[index].text):
        index -= 1
    return index if joined[index].type is BlockType.TABLE else None


def _goes_on(last: Block, block: Block) -> bool:
    if not (last.table and block.table and last.box and block.box and last.page and block.page):
        return False
    end = last.lines[-1] if last.lines else TextLine(last.page, last.box)
    edges = abs(end.box[0] - block.box[0]) < _EDGE and abs(end.box[2] - block.box[2]) < _EDGE
    return block.page == end.page + 1 and len(last.table[0]) == len(block.table[0]) and edges


def _together(last: Block, block: Block) -> Block:
    rows, more = last.table or [], block.table or []
    again = next((count for count in range(last.header_rows, 0, -1) if more[:count] == rows[:count]), 0)
    lines = block.text.split("\n")
    text = "\n".join(lines[again:] if len(lines) == len(more) else lines)
    added: Grid = more[again:]
    text = text if text.strip() else table_text(added)
    place = TextLine(block.page or 0, block.box or (0.0, 0.0, 0.0, 0.0), text=text)
    return replace(last, text=f"{last.text}\n{text}".rstrip("\n"), table=[*rows, *added], lines=(*_lines(last), place))


def _lines(block: Block) -> tuple[TextLine, ...]:
    if block.lines or block.page is None or block.box is None:
        return block.lines
    return (TextLine(block.page, block.box, text=block.text),)
