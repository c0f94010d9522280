"""The common ground of digital and recognised pages: runs of text with boxes, gathered into lines."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from liaoyuan.knowledge.parse.blocks import Box
from liaoyuan.knowledge.parse.text import close_cjk_gaps, is_cjk


@dataclass(slots=True)
class Run:
    """Text on one baseline without a wide gap. Points, origin at the top left; ``chars`` = (character, x0, x1).

    ``table`` holds each value once, ``filled`` repeats merged cells downwards; ``formula``: set in a font of formulas.
    """

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    bold: bool = False
    chars: list[tuple[str, float, float]] = field(default_factory=list)
    table: list[list[str]] | None = None
    filled: list[list[str]] | None = None
    formula: bool = False
    # Drawn so that only what lies behind shows whether it can be seen: invisibly on a scan, or pale on a picture.
    unsure: bool = False
    # A dot or square is drawn before it, which is no character.
    bullet: bool = False

    @property
    def middle(self) -> float:
        """Height of the centre line."""
        return (self.y0 + self.y1) / 2

    @property
    def box(self) -> Box:
        """The four edges as a tuple."""
        return (self.x0, self.y0, self.x1, self.y1)


@dataclass(slots=True)
class Line:
    """Runs on one baseline from left to right."""

    runs: list[Run]

    @property
    def x0(self) -> float:
        """Left edge."""
        return self.runs[0].x0

    @property
    def x1(self) -> float:
        """Right edge."""
        return max(run.x1 for run in self.runs)

    @property
    def y0(self) -> float:
        """Top edge."""
        return min(run.y0 for run in self.runs)

    @property
    def y1(self) -> float:
        """Bottom edge."""
        return max(run.y1 for run in self.runs)

    @property
    def size(self) -> float:
        """Height of the longest run."""
        return max(self.runs, key=lambda run: len(run.text)).size

    @property
    def bold(self) -> bool:
        """Whether every run is bold."""
        return all(run.bold for run in self.runs)

    @property
    def bullet(self) -> bool:
        """Whether a drawn bullet stands before it."""
        return self.runs[0].bullet

    @property
    def formula(self) -> bool:
        """Whether fonts of formulas set a good part of it, and no Chinese prose stands in it."""
        text = self.text
        count = sum(len(run.text) for run in self.runs if run.formula)
        return 3 <= len(text) <= 160 and count >= 0.4 * len(text) and sum(map(is_cjk, text)) <= 0.2 * len(text)

    @property
    def text(self) -> str:
        """The runs with one blank between them, none between Chinese characters that nearly touch."""
        text = self.runs[0].text
        for left, right in pairwise(self.runs):
            near = right.x0 - left.x1 < 0.6 * max(left.size, right.size)
            glue = "" if near and text and right.text and is_cjk(text[-1]) and is_cjk(right.text[0]) else " "
            glue = "" if _raised(left, right) else glue
            text += glue + right.text
        return close_cjk_gaps(text)


def union(boxes: Sequence[Box]) -> Box:
    """The smallest box around all; ``boxes`` must not be empty."""
    return (min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes))


def gather_lines(runs: list[Run]) -> list[Line]:
    """Runs whose centres lie within half a character height share a line; lines from top to bottom."""
    lines: list[list[Run]] = []
    for run in sorted(runs, key=lambda run: (run.middle, run.x0)):
        home = next((line for line in reversed(lines[-3:]) if _shares_line(line, run)), None)
        if home is None:
            lines.append([run])
        else:
            home.append(run)
    return [Line(sorted(line, key=lambda run: run.x0)) for line in lines]


def _shares_line(line: list[Run], run: Run) -> bool:
    if run.table is not None or line[0].table is not None:
        return False
    centre = median(member.middle for member in line)
    height = min(member.y1 - member.y0 for member in (run, *line))
    overlap = any(min(run.x1, member.x1) - max(run.x0, member.x0) > 0.5 * run.size for member in line)
    if any(_raised(member, run) or _raised(run, member) for member in line):
        return not overlap
    return abs(centre - run.middle) < 0.5 * height and not overlap


def _raised(left: Run, right: Run) -> bool:
    """Whether a smaller sign stands close behind or before a larger one, above or below its middle: m², CO₂."""
    if 0.85 * left.size <= right.size and 0.85 * right.size <= left.size:
        return False
    small, large = (left, right) if left.size < right.size else (right, left)
    beside = -0.2 * large.size < right.x0 - left.x1 < 0.2 * large.size
    within = min(left.y1, right.y1) - max(left.y0, right.y0) > 0.3 * small.size
    return len(small.text) <= 4 and beside and within
