"""Pictures on a digital page are kept as regions: a box that a reader can open, in their place among the text."""

from collections.abc import Sequence
from itertools import count

from liaoyuan.knowledge.parse.blocks import Block, BlockType, Box
from liaoyuan.knowledge.parse.pdf_runs import Frame

# Shares of the page: logos and bullets are smaller, a background is larger.
_LEAST, _MOST = 0.01, 0.9
_TOUCH = 6.0


def figures(pictures: Sequence[Box], frame: Frame) -> list[Box]:
    """The boxes of what is worth showing, tiles of one picture put together, cut to the page."""
    merged: list[Box] = []
    for picture in pictures:
        box = (max(0.0, picture[0]), max(0.0, picture[1]), min(frame.width, picture[2]), min(frame.height, picture[3]))
        if box[2] <= box[0] or box[3] <= box[1]:
            continue
        while (other := next((one for one in merged if _touch(one, box)), None)) is not None:
            merged.remove(other)
            box = (min(box[0], other[0]), min(box[1], other[1]), max(box[2], other[2]), max(box[3], other[3]))
        merged.append(box)
    page = max(1.0, frame.width * frame.height)
    return [box for box in merged if _LEAST < (box[2] - box[0]) * (box[3] - box[1]) / page < _MOST]


def with_figures(blocks: list[Block], boxes: Sequence[Box], page: int) -> list[Block]:
    """Each figure before the first block of its column that stands below it, else at the end of the page."""
    placed = list(blocks)
    for box in sorted(boxes, key=lambda box: (box[1], box[0])):
        at = next((index for index, block in zip(count(), placed, strict=False) if _below(block, box)), len(placed))
        placed.insert(at, Block(BlockType.FIGURE, "", page=page, box=box))
    return placed


def _below(block: Block, box: Box) -> bool:
    if block.box is None or block.type is BlockType.FIGURE:
        return False
    return block.box[1] >= box[3] - _TOUCH and block.box[0] < box[2] and block.box[2] > box[0]


def _touch(one: Box, other: Box) -> bool:
    apart_x = max(one[0], other[0]) - min(one[2], other[2])
    apart_y = max(one[1], other[1]) - min(one[3], other[3])
    return apart_x < _TOUCH and apart_y < _TOUCH
