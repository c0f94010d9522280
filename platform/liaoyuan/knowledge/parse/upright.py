"""Chinese set from top to bottom: the page is read as if laid on its side, and laid back when it has been read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from liaoyuan.knowledge.parse.blocks import Block, Box
from liaoyuan.knowledge.parse.runs import Run
from liaoyuan.knowledge.parse.text import is_cjk

_LEAST_SIGNS = 30
_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Side:
    """How a page of upright columns was laid on its side; ``width`` in points as shown."""

    width: float

    @property
    def straight_height(self) -> float:
        """Height of the page as read."""
        return self.width

    def back(self, box: Box) -> Box:
        """A box of the page as read on the page as shown."""
        return (self.width - box[3], box[0], self.width - box[1], box[2])

    def placed(self, block: Block) -> Block:
        """The block with its boxes on the page as shown."""
        if block.box is None:
            return block
        lines = tuple(replace(line, box=self.back(line.box)) for line in block.lines)
        return replace(block, box=self.back(block.box), lines=lines)


def laid_on_side(upright: list[Run], turned: list[Run], width: float) -> tuple[list[Run], list[Run]] | None:
    """(the columns as lines, what stands level on the page); None where the page is not set in upright columns."""
    signs = [run for run in upright if len(run.text) == 1 and (is_cjk(run.text) or run.text in "，。、；：！？")]
    if len(signs) < max(_LEAST_SIGNS, _SHARE * sum(len(run.text) for run in upright)) or not _goes_down(signs):
        return None
    own = {id(run) for run in signs}
    # A punctuation mark and a 一 are narrow: all signs of a column are as wide as its font.
    laid = [_laid(run, width) for run in (*signs, *turned)]
    return _joined(laid), [run for run in upright if id(run) not in own]


def _goes_down(signs: Sequence[Run]) -> bool:
    below = sum(
        abs(one.x0 + one.x1 - two.x0 - two.x1) < one.size and 0 < two.y0 - one.y0 < 2.5 * one.size
        for one, two in pairwise(signs)
    )
    return below > 0.6 * len(signs)


def _laid(run: Run, width: float) -> Run:
    size = run.size if len(run.text) == 1 else run.x1 - run.x0
    middle = width - (run.x0 + run.x1) / 2 if len(run.text) > 1 else width - run.x0 - (run.x1 - run.x0) / 2
    return Run(run.text, run.y0, middle - size / 2, run.y1, middle + size / 2, size=size, bold=run.bold)


def _joined(laid: list[Run]) -> list[Run]:
    """Signs that follow each other become lines."""
    lines: list[Run] = []
    for run in laid_in_order(laid):
        last = lines[-1] if lines else None
        near = last is not None and abs(last.middle - run.middle) < 0.6 * max(last.size, run.size)
        if last is not None and near and -0.5 * run.size < run.x0 - last.x1 < 1.3 * last.size:
            last.text, last.x1 = last.text + run.text, max(last.x1, run.x1)
            last.y0, last.y1, last.size = min(last.y0, run.y0), max(last.y1, run.y1), max(last.size, run.size)
        else:
            lines.append(run)
    return lines


def laid_in_order(laid: Sequence[Run]) -> list[Run]:
    """Signs column by column: those whose middles lie within half a sign of each other share one."""
    ordered: list[Run] = []
    column: list[Run] = []
    for run in sorted(laid, key=lambda run: run.middle):
        if column and run.middle - column[-1].middle > 0.5 * max(run.size, column[-1].size):
            ordered.extend(sorted(column, key=lambda each: each.x0))
            column = []
        column.append(run)
    return [*ordered, *sorted(column, key=lambda each: each.x0)]
