"""What the unseen documents say: items in reading order, made from a seed, and how near a parse comes to them."""

import random
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.parse_error_rate import distance, normal
from benchmarks.parse_tables import pairs
from liaoyuan.knowledge.parse.blocks import Block, BlockType
from liaoyuan.knowledge.parse.sandbox import ParseOutcome

Grid = list[list[str]]


@dataclass(frozen=True)
class Cell:
    """A cell of a table: how many columns and rows it covers."""

    text: str
    across: int = 1
    down: int = 1


@dataclass(frozen=True)
class Item:
    """One element: ``kind`` is h, p, li, table, figure or formula; ``depth`` is the level of a heading or a list item.

    ``look`` is a class for the style sheet of printed pages; ``markup`` replaces the element's own HTML.
    """

    kind: str
    text: str = ""
    depth: int = 1
    rows: tuple[tuple[Cell, ...], ...] = ()
    head: int = 1
    look: str = ""
    markup: str = ""


@dataclass
class Case:
    """A file and what it says. ``group`` is the kind of document that scores are summed up by."""

    name: str
    group: str
    items: list[Item]
    path: Path = Path()
    paged: bool = False
    notes: dict[str, Any] = field(default_factory=dict)


def table(*rows: Sequence[str | Cell], head: int = 1, look: str = "") -> Item:
    """A table item from rows of words or cells."""
    cells = tuple(tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row) for row in rows)
    return Item("table", rows=cells, head=head, look=look)


def grid(item: Item, *, fill: bool) -> Grid:
    """The rows of a table item, each value once; with ``fill``, cells merged downwards are repeated."""
    rows: Grid = []
    waiting: dict[int, tuple[int, str]] = {}
    for cells in item.rows:
        row: list[str] = []
        left = list(cells)
        while left or len(row) in waiting:
            if len(row) in waiting:
                more, text = waiting.pop(len(row))
                if more > 1:
                    waiting[len(row)] = (more - 1, text)
                row.append(text if fill else "")
                continue
            cell = left.pop(0)
            for number in range(cell.across):
                if cell.down > 1:
                    waiting[len(row)] = (cell.down - 1, "" if number else cell.text)
                row.append("" if number else cell.text)
        rows.append(row)
    width = max(map(len, rows))
    return [row + [""] * (width - len(row)) for row in rows]


def text_of_item(item: Item) -> str:
    """What a reader of this item sees."""
    if item.kind == "table":
        return "\n".join("\t".join(row) for row in grid(item, fill=False))
    return item.text


class Words:
    """Sentences of a trade, the same for the same seed."""

    _WHO = (
        "运行值班员",
        "检修班组",
        "护士长",
        "设备主管部门",
        "教务处",
        "药剂科",
        "工作负责人",
        "调度中心",
        "课程负责人",
    )
    _WHAT = (
        "绝缘电阻试验",
        "交接班记录",
        "手卫生依从性",
        "继电保护定值",
        "实验室准入",
        "处方点评",
        "接地线装设",
        "学分认定",
    )
    _HOW = (
        "应当在{n}小时内完成",
        "每年至少核对{n}次",
        "不得低于{n}.{m}%",
        "须由两人逐项签字确认",
        "按附表所列限值执行",
    )
    _THEN = (
        "并将结果登记入册。",
        "逾期未办的，由上级部门书面通报。",
        "偏差超过{m}%时应立即复测！",
        "必要时可以组织专家论证。",
    )
    _LATIN = (
        "The transformer oil was sampled every {n} weeks and its acidity stayed below {m}.{n} mg per gram.",
        "Patients who received the second dose within {n} hours reported fewer adverse events.",
        "A supervisor must sign the permit before any conductor in section {m} is touched.",
        "Students may repeat the laboratory course once, provided that {n} credits have been earned.",
        "In all {n} wards the median waiting time fell by {m} minutes after the schedule had changed.",
        "Nothing in this clause limits the duty of the operator to keep records for {n} years.",
    )

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def number(self, low: int = 2, high: int = 96) -> int:
        """A whole number."""
        return self.random.randint(low, high)

    def figure(self, digits: int = 2, high: float = 2000) -> str:
        """A decimal number with a thousands separator."""
        return f"{self.random.uniform(0.5, high):,.{digits}f}"

    def chinese(self, sentences: int = 3) -> str:
        """A Chinese paragraph."""
        choose = self.random.choice
        made = (
            f"{choose(self._WHO)}负责{choose(self._WHAT)}，{choose(self._HOW)}，{choose(self._THEN)}"
            for _ in range(sentences)
        )
        return "".join(made).replace("{n}", str(self.number())).replace("{m}", str(self.number()))

    def english(self, sentences: int = 3) -> str:
        """An English paragraph."""
        chosen = (self.random.choice(self._LATIN) for _ in range(sentences))
        return " ".join(chosen).replace("{n}", str(self.number())).replace("{m}", str(self.number()))


@dataclass
class Score:
    """What one document's parse is worth; sums of several are kept by adding the fields."""

    edits: int = 0
    characters: int = 0
    steps: int = 0
    astray: int = 0
    headings: Counter[str] = field(default_factory=Counter)
    lists: Counter[str] = field(default_factory=Counter)
    cells: Counter[str] = field(default_factory=Counter)
    placeless: int = 0
    regions: int = 0
    missed: int = 0

    def add(self, other: "Score") -> None:
        """Adds the figures of another document."""
        for name in ("edits", "characters", "steps", "astray", "placeless", "regions", "missed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("headings", "lists", "cells"):
            getattr(self, name).update(getattr(other, name))

    @property
    def error_rate(self) -> float:
        """Edits a character."""
        return self.edits / max(1, self.characters)


def f1(counted: Counter[str]) -> float | None:
    """The F1 of ``right``, ``read`` and ``true``; None where there was nothing to find."""
    both = counted["true"] + counted["read"]
    return 2 * counted["right"] / both if counted["true"] else None


def scored(case: Case, outcome: ParseOutcome) -> Score:
    """How near ``outcome`` comes to the truth of ``case``."""
    blocks = outcome.document.blocks if outcome.document else []
    score = Score()
    # Where the order is a matter of taste the text is compared paragraph by paragraph in the order of the truth.
    truth = normal("".join(map(text_of_item, case.items)))
    read = normal("".join(block.text for block in blocks if not block.locator.endswith(" notes")))
    score.edits, score.characters = distance(truth, read), len(truth)
    score.steps, score.astray = _order(case.items, read)
    _headings(case.items, blocks, score.headings)
    _lists(case.items, blocks, score.lists)
    _cells(case.items, blocks, score.cells)
    score.placeless = sum(block.page is None or block.box is None for block in blocks) if case.paged else 0
    for kind in ("figure", "formula"):
        wanted = sum(item.kind == kind for item in case.items)
        score.regions += wanted
        score.missed += max(0, wanted - sum(block.type.value == kind and block.box is not None for block in blocks))
    return score


def _order(items: Iterable[Item], read: str) -> tuple[int, int]:
    """(neighbours in the truth, those of them that stand the other way round or are not there)."""
    wanted = [normal(text_of_item(item))[:60] for item in items if item.kind in {"p", "li", "h"}]
    places = [read.find(words) for words in wanted if len(words) >= 6 and wanted.count(words) == 1]
    steps = list(pairwise(places))
    return len(steps), sum(two < one or two < 0 for one, two in steps)


def _counted(true: Counter[Any], read: Counter[Any], into: Counter[str]) -> None:
    into["true"] += true.total()
    into["read"] += read.total()
    into["right"] += (true & read).total()


def _cells(items: Iterable[Item], blocks: Iterable[Block], into: Counter[str]) -> None:
    true: Counter[tuple[str, str]] = Counter()
    read: Counter[tuple[str, str]] = Counter()
    for item in items:
        if item.kind == "table":
            true += pairs(grid(item, fill=True), normal)
    for block in blocks:
        read += pairs(block.table or [], normal)
    _counted(true, read, into)


def _headings(items: Iterable[Item], blocks: Iterable[Block], into: Counter[str]) -> None:
    """A heading counts with the one that it stands below; the document's own title counts as none."""
    true: Counter[tuple[str, str]] = Counter()
    read: Counter[tuple[str, str]] = Counter()
    above: list[tuple[int, str]] = []
    title = ""
    for item in items:
        if item.kind != "h":
            continue
        above = [one for one in above if one[0] < item.depth]
        words = normal(item.text)
        title = title or (words if item.depth == 1 else "")
        true[(words, above[-1][1] if above and above[-1][1] != title else "")] += 1
        above.append((item.depth, words))
    for block in blocks:
        if block.type is BlockType.HEADING:
            path = [normal(one) for one in block.heading_path]
            read[(normal(block.text), path[-1] if path and path[-1] != title else "")] += 1
    _counted(true, read, into)


_MARK = re.compile(r"^(?:[•●○▪■◦·‣–*-]|\(?\d{1,2}[.)、]|[a-z][.)]|[①-⑳])")


def _lists(items: Iterable[Item], blocks: Iterable[Block], into: Counter[str]) -> None:
    true = Counter(_bare(item.text) for item in items if item.kind == "li")
    read = Counter(_bare(block.text) for block in blocks if block.type is BlockType.LIST)
    _counted(true, read, into)


def _bare(text: str) -> str:
    return _MARK.sub("", unicodedata.normalize("NFKC", normal(text)))
