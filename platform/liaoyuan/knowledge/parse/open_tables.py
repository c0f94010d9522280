"""Tables without upright rules: columns from the gaps that all lines leave free, rows from rules or from line steps."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from liaoyuan.knowledge.parse.runs import Line, Run, gather_lines, union
from liaoyuan.knowledge.parse.tables import Cells, Rule, split_run
from liaoyuan.knowledge.parse.text import join_lines

_SNAP = 4.0
_LEAST_WIDTH = 100.0
# Between two rules of one table; a page's head and foot rules stand further apart than their columns explain.
_LEAST_ROWS = 3
# Characters: blanks between words may stand below each other as well, but they are narrower.
_COLUMN_GAP = 0.75
_LONGEST_NAME, _LONGEST_CELL = 40, 800
_STEP_RATIO = 1.13
_PROSE_CHARACTERS = 12
_MARK = re.compile(r"^(?:[•·●○▪■◆‣◦*–—-]|\(?\d{1,2}[.)、]|\(?[a-zA-Z][.)])$")
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Found:
    """A table: its rows, and how many lines it took."""

    rows: Cells
    lines: int


def lined_tables(runs: list[Run], rules: Sequence[Rule]) -> list[Run]:
    """Replaces the runs between the level rules of a table by one run that carries it."""
    rest = runs
    for span, heights, joints in _stacks(rules):
        heights = _with_head(rest, span, heights)
        inside = [run for run in rest if _between(run, span, heights) and run.table is None]
        lines = gather_lines(inside)
        if len(lines) < 2:
            continue
        free = _free(lines, joints)
        rows = _rows(lines, free, heights)
        framed = len(heights) < 4 and _is_prose(lines, free)
        if len(rows) < 2 or framed or not _plausible(rows):
            continue
        taken = {id(run) for run in inside}
        rest = [run for run in rest if id(run) not in taken]
        rest.append(Run("", *union([run.box for run in inside]), size=inside[0].size, table=rows, filled=rows))
    return rest


def spread_table(lines: Sequence[Line], start: int) -> Found | None:
    """A table without any rule that begins at ``lines[start]``; its cells may go on over several lines."""
    if len(lines[start].runs) < 2:
        return None
    free: list[Span] = []
    end = start
    for number in range(start, len(lines)):
        line = lines[number]
        if line.runs[0].table is not None or (number > start and _far(lines[number - 1], line)):
            break
        gaps = _gaps([line], 0.9) if number == start else _without(free, line)
        if not gaps:
            break
        free, end = gaps, number + 1
    while end > start and len(lines[end - 1].runs) < 2 and not _belongs(lines, end - 1, free):
        end -= 1
    chosen = lines[start:end]
    if len(chosen) < _LEAST_ROWS or _is_prose(chosen, free):
        return None
    rows = _rows(chosen, free, [])
    several = sum(sum(map(bool, row)) >= 2 for row in rows)
    if len(rows) < _LEAST_ROWS or several < 0.7 * len(rows) or not _plausible(rows):
        return None
    return Found(rows, len(chosen))


@dataclass(slots=True)
class _Level:
    """A level rule, put together from parts: height, left and right edge, where its parts meet."""

    at: float
    span: Span
    joints: list[float]


def headed_table(lines: Sequence[Line], start: int) -> Found | None:
    """A table whose names stand apart from their columns: names to the left, figures to the right."""
    names = lines[start].runs
    if len(names) < 2 or start + 1 >= len(lines) or _far(lines[start], lines[start + 1]):
        return None
    below = spread_table(lines, start + 1)
    if below is None or len(below.rows[0]) != len(names):
        return None
    full = [line.runs for line in lines[start + 1 : start + 1 + below.lines] if len(line.runs) == len(names)]
    if not full:
        return None
    starts, ends = (
        [min(run.x0 for run in column) for column in zip(*full, strict=True)],
        [max(run.x1 for run in column) for column in zip(*full, strict=True)],
    )
    for at, name in enumerate(names):
        left = ends[at - 1] if at else name.x0
        right = starts[at + 1] if at + 1 < len(names) else name.x1
        if name.x0 < left or name.x1 > right or len(name.text) > _LONGEST_NAME:
            return None
    return Found([[name.text for name in names], *below.rows], below.lines + 1)


def _stacks(rules: Sequence[Rule]) -> list[tuple[Span, list[float], list[float]]]:
    """Level rules of the same width above each other: (left and right edge, heights, where columns meet)."""
    stacks: list[list[_Level]] = []
    for level in _whole(rules):
        home = next((one for one in stacks if _same(one[0].span, level.span)), None)
        if home is None:
            stacks.append([level])
        elif level.at - home[-1].at > _SNAP:
            home.append(level)
    return [(one[0].span, [level.at for level in one], _joints(one)) for one in stacks if len(one) >= 2]


def _joints(levels: Sequence[_Level]) -> list[float]:
    """Where the parts of most rules meet."""
    first = max(levels, key=lambda level: len(level.joints)).joints
    return [at for at in first if sum(any(abs(at - x) < 2 for x in one.joints) for one in levels) > 0.5 * len(levels)]


def _whole(rules: Sequence[Rule]) -> list[_Level]:
    """Rules drawn cell by cell put together again, from top to bottom."""
    whole: list[_Level] = []
    for rule in sorted((rule for rule in rules if not rule.vertical), key=lambda rule: (round(rule.at), rule.start)):
        last = whole[-1] if whole else None
        if last and abs(last.at - rule.at) <= 1.5 and rule.start - last.span[1] <= _SNAP:
            if rule.start > last.span[0] + _SNAP and rule.end > last.span[1] + _SNAP:
                last.joints.append((rule.start + last.span[1]) / 2)
            last.span = (last.span[0], max(last.span[1], rule.end))
        else:
            whole.append(_Level(rule.at, (rule.start, rule.end), []))
    return [one for one in whole if one.span[1] - one.span[0] >= _LEAST_WIDTH]


def _same(one: Span, other: Span) -> bool:
    return abs(one[0] - other[0]) <= _SNAP and abs(one[1] - other[1]) <= _SNAP


def _between(run: Run, span: Span, heights: list[float]) -> bool:
    within = span[0] - _SNAP <= run.x0 and run.x1 <= span[1] + _SNAP
    return within and heights[0] - 1 <= run.middle <= heights[-1] + 1


def _with_head(runs: Sequence[Run], span: Span, heights: list[float]) -> list[float]:
    """The names of the columns may stand above the first rule, close to it."""
    above = [run for run in runs if run.table is None and run.x0 >= span[0] - _SNAP and run.x1 <= span[1] + _SNAP]
    near = [run for run in above if 0 < heights[0] - run.middle < 1.8 * run.size]
    top = min((run.y0 for run in near), default=heights[0])
    return [top - 1, *heights] if len(near) >= 2 and len(heights) >= 3 else heights


def _gaps(lines: Sequence[Line], least: float) -> list[Span]:
    """Stretches without any ink between the outer edges, at least ``least`` characters wide."""
    spans = sorted((run.x0, run.x1) for line in lines for run in line.runs)
    size = median(line.size for line in lines)
    found: list[Span] = []
    right = spans[0][1]
    for left, end in spans[1:]:
        if left - right >= least * size:
            found.append((right, left))
        right = max(right, end)
    return found


def _free(lines: Sequence[Line], joints: Sequence[float]) -> list[Span]:
    """The gaps between the columns of a framed table: where its rules were drawn cell by cell, else where hardly any
    line has ink, word by word, since cells that nearly touch were read as one run. Labels over columns may cover."""
    if joints:
        return [(at - 0.5, at + 0.5) for at in joints]
    if len(lines) < 4:
        return _gaps([max(lines, key=lambda line: len(line.runs))], 0.35)
    left, right = min(line.x0 for line in lines), max(line.x1 for line in lines)
    inked = [0] * (int(right - left) + 2)
    for line in lines:
        for start, end in _words(line):
            for index in range(max(0, round(start - left)), min(len(inked), round(end - left))):
                inked[index] += 1
    allowed = max(1, len(lines) // 8) if len(lines) > 4 else 0
    least = _COLUMN_GAP * median(line.size for line in lines)
    found = [(left + start, left + end) for start, end in _stretches(inked, allowed)]
    return [gap for gap in found if gap[1] - gap[0] >= least and left < gap[0] and gap[1] < right]


def _stretches(counts: Sequence[int], allowed: int) -> list[tuple[int, int]]:
    """Where no more than ``allowed`` are counted: (from, to) of each stretch."""
    found: list[tuple[int, int]] = []
    for index, count in enumerate(counts):
        if count > allowed:
            continue
        if found and found[-1][1] == index:
            found[-1] = (found[-1][0], index + 1)
        else:
            found.append((index, index + 1))
    return found


def _words(line: Line) -> list[Span]:
    spans: list[Span] = []
    for run in line.runs:
        opened = True
        for character, start, end in run.chars or [("x", run.x0, run.x1)]:
            if character.isspace():
                opened = True
            elif opened or start - spans[-1][1] > 0.5 * run.size:
                spans.append((start, end))
                opened = False
            else:
                spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
    return spans


def _without(free: Sequence[Span], line: Line) -> list[Span]:
    """What ``line`` leaves of the gaps; a gap that it covers is gone."""
    size = max(line.size, 1.0)
    for first, last in _words(line):
        left: list[Span] = []
        for start, end in free:
            if last <= start or first >= end:
                left.append((start, end))
                continue
            parts = ((start, min(end, first)), (max(start, last), end))
            left.extend(part for part in parts if part[1] - part[0] >= 0.35 * size)
        free = left
    return list(free)


def _far(above: Line, below: Line) -> bool:
    return below.y0 - above.y1 > 1.6 * max(above.size, below.size)


def _belongs(lines: Sequence[Line], index: int, free: Sequence[Span]) -> bool:
    """Whether a lone run goes on in a column that is not the first: what stands alone to the left is prose again."""
    return bool(free) and lines[index].x0 > free[0][0] and index > 0


def _is_prose(lines: Sequence[Line], free: Sequence[Span]) -> bool:
    """Columns of a page: at least two of which are full of words line by line."""
    edges = [min(line.x0 for line in lines), *(sum(gap) / 2 for gap in free), max(line.x1 for line in lines)]
    full = 0
    for left, right in pairwise(edges):
        runs = [run for line in lines for run in line.runs if left <= (run.x0 + run.x1) / 2 <= right]
        if len(runs) < 0.6 * len(lines):
            continue
        width = max(run.x1 for run in runs) - min(run.x0 for run in runs)
        filled = median(run.x1 - run.x0 for run in runs)
        full += filled > 0.85 * width and median(len(run.text) for run in runs) >= _PROSE_CHARACTERS
    return full >= 2 and full >= len(edges) - 1


def _rows(lines: Sequence[Line], free: Sequence[Span], heights: Sequence[float]) -> Cells:
    centres = [sum(gap) / 2 for gap in free]
    if not centres:
        return []
    groups = _bands(lines, heights)
    if groups is None:
        groups = _stepped(lines, centres)
    rows = [_row(group, centres) for group in groups]
    return [row for row in rows if any(row)]


def _bands(lines: Sequence[Line], heights: Sequence[float]) -> list[list[Line]] | None:
    """One row between each two rules, where there are as many as that; None where rules only frame the table."""
    if len(heights) < 4:
        return None
    bands: dict[int, list[Line]] = {}
    for line in lines:
        middle = (line.y0 + line.y1) / 2
        bands.setdefault(sum(middle > height for height in heights), []).append(line)
    several = [band for band in bands.values() if len(band) > 1]
    # Rules between groups of rows part groups: then most bands hold lines that are rows of their own.
    if len(several) > 0.5 * len(bands) and all(len(line.runs) >= 2 for band in several for line in band):
        return None
    return [bands[key] for key in sorted(bands)]


def _stepped(lines: Sequence[Line], centres: Sequence[float]) -> list[list[Line]]:
    """Lines go on in the row above where steps are of two kinds and this one is small, or its first cell is empty."""
    limit = _row_step(lines)
    groups: list[list[Line]] = [[lines[0]]]
    for above, line in pairwise(lines):
        step = line.y0 - above.y0
        lead = line.x0 > centres[0]
        goes_on = step < limit if limit else lead and _covers(groups[-1], line, centres)
        if goes_on or step < 0.6 * line.size:
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def _row_step(lines: Sequence[Line]) -> float:
    """The step from which a line opens a new row; 0 where all steps are alike."""
    steps = sorted(step for above, below in pairwise(lines) if (step := below.y0 - above.y0) > 0.8 * above.size)
    jumps = [(two / one, (one + two) / 2) for one, two in pairwise(steps) if two / one >= _STEP_RATIO]
    if not jumps:
        return 0.0
    limit = max(jumps)[1]
    small = sum(step < limit for step in steps)
    # Lines that begin a row by their step must begin it by their first cell as well.
    opening = [below for above, below in pairwise(lines) if below.y0 - above.y0 >= limit]
    left = min(line.x0 for line in lines)
    led = sum(line.x0 < left + 2 * line.size for line in opening)
    return limit if small >= 1 and led >= 0.5 * len(opening) else 0.0


def _covers(group: Sequence[Line], line: Line, centres: Sequence[float]) -> bool:
    """Whether each column of ``line`` has words in the row above already."""
    used = {_column(run, centres) for one in group for run in one.runs}
    return all(_column(run, centres) in used for run in line.runs)


def _column(run: Run, centres: Sequence[float]) -> int:
    """The column in which a run begins where it reaches over several, else the one of its middle."""
    first, last = sum(run.x0 > at for at in centres), sum(run.x1 > at for at in centres)
    return first if first != last else sum((run.x0 + run.x1) / 2 > at for at in centres)


def _row(group: Sequence[Line], centres: Sequence[float]) -> list[str]:
    cells = [""] * (len(centres) + 1)
    for line in group:
        pieces: dict[int, str] = {}
        for run in line.runs:
            for piece in split_run(run, [at for at in centres if _blank_at(run, at)]):
                column = _column(piece, centres)
                pieces[column] = f"{pieces[column]} {piece.text}" if column in pieces else piece.text
        for column, text in pieces.items():
            cells[column] = join_lines(cells[column], text)
    return cells


def _blank_at(run: Run, at: float) -> bool:
    """Whether a run that reaches over a gap has none of its characters there: it is two cells read as one."""
    if not run.x0 < at < run.x1:
        return False
    return not any(x0 - 1 < at < x1 + 1 for character, x0, x1 in run.chars if not character.isspace())


def _plausible(rows: Cells) -> bool:
    """Several columns, most of them filled; no single column of prose beside numbers of paragraphs."""
    width = len(rows[0])
    used = [sum(bool(row[column]) for row in rows) for column in range(width)]
    shortest = [median([len(row[column]) for row in rows if row[column]] or [0]) for column in range(width)]
    if max(len(cell) for row in rows for cell in row) > _LONGEST_CELL:
        return False
    if any(_all_marks([row[column] for row in rows if row[column]]) for column in range(width)):
        return False
    markers = width == 2 and shortest[0] <= 3 and shortest[1] > _PROSE_CHARACTERS
    return width >= 2 and sum(count >= 0.3 * len(rows) for count in used) >= 2 and not markers


def _all_marks(cells: Sequence[str]) -> bool:
    """Whether a column holds nothing but what items of a list begin with."""
    return bool(cells) and all(_MARK.match(cell) for cell in cells)
