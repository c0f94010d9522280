"""Lists that stand beside each other, as slides have them: read one after the other, and no table."""

import re
from collections.abc import Sequence
from itertools import pairwise

from liaoyuan.knowledge.parse.runs import Line, Run, gather_lines

_ITEM = re.compile(r"^(?:[•·●○▪■◆‣◦]|[*–—-]\s|\(?(\d{1,2})[.)、](?!\d))")
_GAP, _FAR = 1.2, 1.6
_LEAST_ITEMS = 2
_MOST_COLUMNS = 6


def lists_in_turn(lines: list[Line]) -> list[Line]:
    """``lines`` with each group of lists beside each other put into their order: the left one first."""
    if sum(len(line.runs) > 1 for line in lines) < _LEAST_ITEMS:
        return lines
    ordered: list[Line] = []
    index = 0
    while index < len(lines):
        end = _group_end(lines, index)
        columns = _columns(lines[index:end]) if end - index >= _LEAST_ITEMS else []
        if columns:
            ordered.extend(line for column in columns for line in column)
            index = end
        else:
            ordered.append(lines[index])
            index += 1
    return ordered


def _group_end(lines: Sequence[Line], start: int) -> int:
    """Where the lines end that follow each other closely from one of several parts on."""
    if len(lines[start].runs) < 2:
        return start
    end = start
    for number in range(start, len(lines)):
        line = lines[number]
        if line.runs[0].table is not None or (number > start and line.y0 - lines[number - 1].y1 > _FAR * line.size):
            break
        end = number + 1
    return end


def _columns(lines: Sequence[Line]) -> list[list[Line]]:
    """The lists, from left to right; none where something else than lists stands there."""
    runs = sorted((run for line in lines for run in line.runs), key=lambda run: run.x0)
    size = max(line.size for line in lines)
    groups: list[list[Run]] = [[runs[0]]]
    right = runs[0].x1
    for run in runs[1:]:
        if run.x0 - right >= _GAP * size:
            groups.append([])
        groups[-1].append(run)
        right = max(right, run.x1)
    if not 2 <= len(groups) <= _MOST_COLUMNS:
        return []
    columns = [gather_lines(group) for group in groups]
    return columns if all(map(_is_list, columns)) else []


def _is_list(column: Sequence[Line]) -> bool:
    """Items throughout, below one line of words at most; their numbers count on."""
    found = [_ITEM.match(line.text) for line in column]
    items = [each for each in found if each is not None]
    if len(items) < _LEAST_ITEMS or not all(found[1:]):
        return False
    numbers = [int(each.group(1)) for each in items if each.group(1)]
    return all(after == before + 1 for before, after in pairwise(numbers))
