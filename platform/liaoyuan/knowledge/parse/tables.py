"""Tables on a page: from ruling lines where there are any, else from columns that line up."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from liaoyuan.knowledge.parse.blocks import Box
from liaoyuan.knowledge.parse.runs import Line, Run, gather_lines, union
from liaoyuan.knowledge.parse.text import is_cjk, join_lines

_SNAP = 3.0
_LEAST_WIDTH = 10.0
_LEAST_ROWS = 3
_CELL_CHARACTERS = 60
_FRAMED_CHARACTERS = 1500
Cells = list[list[str]]


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
        ys = _snap([rule.at for rule in horizontal])
        xs = _open_sided(_snap([rule.at for rule in vertical]), horizontal)
        if len(xs) < 3 or len(ys) < 3:
            continue
        frame = (xs[0] - _SNAP, ys[0] - _SNAP, xs[-1] + _SNAP, ys[-1] + _SNAP)
        inside = [run for run in rest if _within(run, frame)]
        table, filled = _fill(inside, _Grid(xs, ys, horizontal, vertical))
        # Rules that frame a page, or part it in two, hold no cells.
        if (
            len(table) <= _LEAST_ROWS
            and max((len(cell) for row in table for cell in row), default=0) > _FRAMED_CHARACTERS
        ):
            continue
        if sum(any(row) for row in table) >= 2 and sum(any(row[i] for row in table) for i in range(len(xs) - 1)) >= 2:
            taken = {id(run) for run in inside}
            box = union([run.box for run in inside])
            rest = [run for run in rest if id(run) not in taken]
            once, full = _without_empty(table, filled)
            rest.append(Run("", *box, size=inside[0].size, table=once, filled=full))
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


def _open_sided(xs: list[float], horizontal: list[Rule]) -> list[float]:
    """``xs`` with the ends of the rules across where several reach beyond the first or last rule down: many tables have
    no rule at their sides, and their outer columns are columns all the same."""
    starts, ends = _shared([rule.start for rule in horizontal], min), _shared([rule.end for rule in horizontal], max)
    left = [starts] if starts is not None and starts < xs[0] - _LEAST_WIDTH else []
    right = [ends] if ends is not None and ends > xs[-1] + _LEAST_WIDTH else []
    return [*left, *xs, *right]


def _shared(values: list[float], outermost: Callable[[list[float]], float]) -> float | None:
    """The outermost value, where at least three and half of all agree on it."""
    found = outermost(values)
    agreeing = sum(abs(value - found) <= _SNAP for value in values)
    return found if agreeing >= _LEAST_ROWS and 2 * agreeing >= len(values) else None


def _within(run: Run, frame: Box) -> bool:
    x, y = (run.x0 + run.x1) / 2, run.middle
    return frame[0] <= x <= frame[2] and frame[1] <= y <= frame[3] and run.table is None


def _fill(runs: list[Run], grid: "_Grid") -> tuple[Cells, Cells]:
    """Rows with each value once, and the same rows with the cells that are merged downwards repeated."""
    cells: dict[tuple[int, int], list[Run]] = {}
    for run in runs:
        for piece in split_run(run, grid.borders(run.middle)):
            cells.setdefault(grid.cell((piece.x0 + piece.x1) / 2, piece.middle), []).append(piece)
    columns = range(len(grid.xs) - 1)
    rows: Cells = []
    filled: Cells = []
    lines = {place: gather_lines(cell) for place, cell in cells.items()}
    every = sum(map(len, lines.values()))
    for row in range(len(grid.ys) - 1):
        texts = _row_texts([lines.get((row, column), []) for column in columns], every)
        above = filled[-1] if filled else []
        merged = {column for column in columns if above and grid.top(row, column) < row}
        rows.extend(texts)
        filled.extend(
            [above[at] if at in merged and not text else text for at, text in enumerate(one)] for one in texts
        )
    return rows, filled


@dataclass(frozen=True, slots=True)
class _Grid:
    """Column and row edges, and the rules: a cell reaches to the right and down as far as no rule divides it."""

    xs: list[float]
    ys: list[float]
    horizontal: list[Rule]
    vertical: list[Rule]

    def borders(self, y: float) -> list[float]:
        """Where vertical rules stand at height ``y``."""
        return _snap([rule.at for rule in self.vertical if rule.start - _SNAP <= y <= rule.end + _SNAP])

    def cell(self, x: float, y: float) -> tuple[int, int]:
        """(row, column) of the cell that holds a point; a cell merged across counts as its first column."""
        left = max((at for at in self.borders(y) if at <= x), default=self.xs[0])
        column = min(range(len(self.xs)), key=lambda index: abs(self.xs[index] - left))
        column = min(column, len(self.xs) - 2)
        return self.top(sum(y > edge for edge in self.ys[1:-1]), column), column

    def top(self, row: int, column: int) -> int:
        """The first row of the cell that ``row`` belongs to in ``column``."""
        middle = (self.xs[column] + self.xs[column + 1]) / 2
        while row > 0 and not self._divided(self.ys[row], middle):
            row -= 1
        return row

    def _divided(self, y: float, x: float) -> bool:
        return any(
            abs(rule.at - y) <= _SNAP and rule.start - _SNAP <= x <= rule.end + _SNAP for rule in self.horizontal
        )


def _row_texts(lines: list[list[Line]], every: int) -> list[list[str]]:
    """One row, or several where rules divide only the columns and the lines of all cells stand side by side.

    ``every`` counts the lines of the whole table: where rules divide its rows as well, a cell of many lines is one.
    """
    lead = max(lines, key=len)
    most = sum(map(len, lines)) > 0.6 * every
    several = most and sum(len(cell) >= 2 for cell in lines) >= 2 and len(lead) >= 3
    short = all(len(line.text) <= _CELL_CHARACTERS for cell in lines for line in cell)
    if not (several and short):
        return [[_cell_text(cell) for cell in lines]]
    rows = [[""] * len(lines) for _ in lead]
    for column, cell in enumerate(lines):
        for line in cell:
            distances = [abs((line.y0 + line.y1) - (other.y0 + other.y1)) / 2 for other in lead]
            row = distances.index(min(distances))
            if distances[row] > 0.6 * line.size or rows[row][column]:
                return [[_cell_text(cell) for cell in lines]]
            rows[row][column] = line.text
    return rows


def split_run(run: Run, borders: list[float]) -> list[Run]:
    """Cuts a run where it crosses into the next cell by more than a touch, and leaves room there: a word that only
    reaches over its own border stays whole."""
    crossed = [x for x in borders if run.x0 + 0.3 * run.size < x < run.x1 - 0.3 * run.size]
    cuts = [cut for x in crossed if (cut := _room(run, x)) is not None]
    if not cuts:
        return [run]
    groups: dict[int, list[tuple[str, float, float]]] = {}
    for char in run.chars:
        groups.setdefault(sum((char[1] + char[2]) / 2 > x for x in cuts), []).append(char)
    pieces = []
    for group in groups.values():
        # A blank at the border belongs to neither cell.
        chars = [char for char in group if not char[0].isspace() or group[0] is not char is not group[-1]]
        text = "".join(char[0] for char in chars).strip()
        if text:
            pieces.append(Run(text, chars[0][1], run.y0, chars[-1][2], run.y1, run.size, run.bold, chars))
    return pieces


def _room(run: Run, x: float) -> float | None:
    """The middle of the gap between two characters that is nearest to ``x``; None where there is none close by. Signs
    of Chinese stand close, so that between them the border itself is the place."""
    drawn = [char for char in run.chars if not char[0].isspace()]
    best: float | None = None
    for (left, _, end), (right, start, _) in pairwise(drawn):
        middle = (end + start) / 2
        room = start - end > 0.12 * run.size or (is_cjk(left) and is_cjk(right) and abs(middle - x) < 0.3 * run.size)
        if room and min(abs(middle - x), abs(end - x), abs(start - x)) < 0.8 * run.size:
            best = middle if best is None or abs(middle - x) < abs(best - x) else best
    return best


def _cell_text(lines: list[Line]) -> str:
    text = ""
    for line in lines:
        text = join_lines(text, line.text)
    return text


def _without_empty(table: Cells, filled: Cells) -> tuple[Cells, Cells]:
    columns = [index for index in range(len(table[0])) if any(row[index] for row in table)]
    rows = [index for index, row in enumerate(table) if any(row)]
    once = [[table[row][column] for column in columns] for row in rows]
    return once, [[filled[row][column] for column in columns] for row in rows]


def aligned_table(lines: list[Line], start: int) -> tuple[int, list[list[str]] | None]:
    """A table without rules that begins at ``lines[start]``: (lines taken, rows) or (0, None).

    At least three lines of short cells under the columns of the fullest among the first three; cells may be missing.
    """
    model = max(lines[start : start + 3], key=lambda line: len(line.runs)).runs
    if len(model) < 2 or len(lines[start].runs) < 2:
        return 0, None
    rows: list[list[str]] = []
    for line in lines[start:]:
        row = _columns_of(line, model)
        if row is None:
            break
        rows.append(row)
    while rows and sum(map(bool, rows[-1])) < 2:
        rows.pop()
    full = sum(sum(map(bool, row)) >= max(2, len(model) - 1) for row in rows)
    return (len(rows), rows) if full >= _LEAST_ROWS and full >= 0.6 * len(rows) else (0, None)


def _columns_of(line: Line, model: list[Run]) -> list[str] | None:
    """The line's cells under the model's columns; None where one fits no column or is too long for a cell."""
    row = [""] * len(model)
    for run in line.runs:
        if run.table is not None or len(run.text) > _CELL_CHARACTERS:
            return None
        fitting = [index for index, column in enumerate(model) if not row[index] and _lines_up(column, run)]
        if not fitting:
            return None
        row[min(fitting, key=lambda index: abs(model[index].x0 + model[index].x1 - run.x0 - run.x1))] = run.text
    return row


def _lines_up(one: Run, other: Run) -> bool:
    reach = 0.8 * max(one.size, other.size)
    centres = abs((one.x0 + one.x1) - (other.x0 + other.x1)) / 2
    return abs(one.x0 - other.x0) < reach or abs(one.x1 - other.x1) < reach or centres < reach
