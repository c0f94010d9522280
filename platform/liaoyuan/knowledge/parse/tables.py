"""Tables on a page: from ruling lines where there are any, else from columns that line up."""

from dataclasses import dataclass

from liaoyuan.knowledge.parse.blocks import Box
from liaoyuan.knowledge.parse.runs import Line, Run, gather_lines, union
from liaoyuan.knowledge.parse.text import join_lines

_SNAP = 3.0
_LEAST_ROWS = 3
_CELL_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line along one axis: position across, from, to; points with the origin at the top left."""

    vertical: bool
    at: float
    start: float
    end: float


def ruled_tables(runs: list[Run], rules: list[Rule]) -> list[Run]:
    """Replaces the runs inside every ruled grid of at least 2 × 2 by one run that carries the table."""
    rest = runs
    for horizontal, vertical in _grids(rules):
        xs, ys = _snap([rule.at for rule in vertical]), _snap([rule.at for rule in horizontal])
        if len(xs) < 3 or len(ys) < 3:
            continue
        frame = (xs[0] - _SNAP, ys[0] - _SNAP, xs[-1] + _SNAP, ys[-1] + _SNAP)
        inside = [run for run in rest if _within(run, frame)]
        table = _fill(inside, xs, ys)
        if sum(any(row) for row in table) >= 2 and sum(any(row[i] for row in table) for i in range(len(xs) - 1)) >= 2:
            taken = {id(run) for run in inside}
            box = union([run.box for run in inside])
            rest = [run for run in rest if id(run) not in taken]
            rest.append(Run("", *box, size=inside[0].size, table=_without_empty(table)))
    return rest


def _grids(rules: list[Rule]) -> list[tuple[list[Rule], list[Rule]]]:
    """Groups of crossing rules: (horizontal, vertical) of each."""
    groups: list[list[Rule]] = []
    for rule in rules:
        touching = [group for group in groups if any(_cross(rule, other) for other in group)]
        merged = [rule, *(member for group in touching for member in group)]
        groups = [group for group in groups if group not in touching]
        groups.append(merged)
    split = [([r for r in group if not r.vertical], [r for r in group if r.vertical]) for group in groups]
    return [(horizontal, vertical) for horizontal, vertical in split if len(horizontal) >= 2 and len(vertical) >= 2]


def _cross(one: Rule, other: Rule) -> bool:
    if one.vertical == other.vertical:
        same = abs(one.at - other.at) <= _SNAP
        return same and one.start <= other.end + _SNAP and other.start <= one.end + _SNAP
    return one.start - _SNAP <= other.at <= one.end + _SNAP and other.start - _SNAP <= one.at <= other.end + _SNAP


def _snap(values: list[float]) -> list[float]:
    snapped: list[float] = []
    for value in sorted(values):
        if not snapped or value - snapped[-1] > _SNAP:
            snapped.append(value)
    return snapped


def _within(run: Run, frame: Box) -> bool:
    x, y = (run.x0 + run.x1) / 2, run.middle
    return frame[0] <= x <= frame[2] and frame[1] <= y <= frame[3] and run.table is None


def _fill(runs: list[Run], xs: list[float], ys: list[float]) -> list[list[str]]:
    cells: dict[tuple[int, int], list[Run]] = {}
    for run in runs:
        row = _slot(run.middle, ys)
        for piece in _split(run, xs):
            cells.setdefault((row, _slot((piece.x0 + piece.x1) / 2, xs)), []).append(piece)
    return [[_cell_text(cells.get((row, column), [])) for column in range(len(xs) - 1)] for row in range(len(ys) - 1)]


def _slot(value: float, edges: list[float]) -> int:
    inner = sum(value > edge for edge in edges[1:-1])
    return min(inner, len(edges) - 2)


def _split(run: Run, xs: list[float]) -> list[Run]:
    """Cuts a run where it crosses into the next cell by more than a touch."""
    crossed = [x for x in xs[1:-1] if run.x0 + 0.3 * run.size < x < run.x1 - 0.3 * run.size]
    if not crossed or not run.chars:
        return [run]
    groups: dict[int, list[tuple[str, float, float]]] = {}
    for char in run.chars:
        groups.setdefault(sum((char[1] + char[2]) / 2 > x for x in crossed), []).append(char)
    pieces = []
    for chars in groups.values():
        text = "".join(char[0] for char in chars).strip()
        if text:
            pieces.append(Run(text, chars[0][1], run.y0, chars[-1][2], run.y1, run.size, run.bold, chars))
    return pieces


def _cell_text(runs: list[Run]) -> str:
    text = ""
    for line in gather_lines(runs):
        text = join_lines(text, line.text)
    return text


def _without_empty(table: list[list[str]]) -> list[list[str]]:
    columns = [index for index in range(len(table[0])) if any(row[index] for row in table)]
    return [[row[index] for index in columns] for row in table if any(row)]


def aligned_table(lines: list[Line], start: int) -> tuple[int, list[list[str]] | None]:
    """A table without rules that begins at ``lines[start]``: (lines taken, rows) or (0, None).

    At least three lines in a row with the same number of short cells whose left or right edges, or centres, line up.
    """
    count = len(lines[start].runs)
    if count < 2 or lines[start].runs[0].table is not None:
        return 0, None
    end = start
    while end < len(lines) and _matches(lines[start], lines[end]):
        end += 1
    if end - start < _LEAST_ROWS:
        return 0, None
    return end - start, [[run.text for run in line.runs] for line in lines[start:end]]


def _matches(model: Line, line: Line) -> bool:
    if len(line.runs) != len(model.runs) or line.runs[0].table is not None:
        return False
    if any(len(run.text) > _CELL_CHARACTERS for run in line.runs):
        return False
    return all(_lines_up(one, other) for one, other in zip(model.runs, line.runs, strict=True))


def _lines_up(one: Run, other: Run) -> bool:
    reach = 0.8 * max(one.size, other.size)
    centres = abs((one.x0 + one.x1) - (other.x0 + other.x1)) / 2
    return abs(one.x0 - other.x0) < reach or abs(one.x1 - other.x1) < reach or centres < reach
