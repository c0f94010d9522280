"""Reading order: a page is cut at its column gutters, in bands between what spans them."""

from dataclasses import dataclass
from statistics import median

from liaoyuan.knowledge.parse.runs import Line, Run, gather_lines

_BIN = 2.0
_LEAST_LINES = 4
_LEAST_CHARACTERS = 6
_DEPTH = 3
# The share of a sheet's width between its two pages, and of their lines that may stand at one height by chance.
_SPINE, _BESIDE = 0.08, 0.7


@dataclass(slots=True)
class Columns:
    """The columns of the page before: edges of the left one, gutter, and where the right one begins, if it had any."""

    edges: tuple[float, float, float, float] | None = None

    def gutter(self, runs: list[Run], found: float | None) -> float | None:
        """``found``, or the gutter of the page before where these few lines still stand in its columns."""
        if found is None and self.edges is not None and _stand_in(runs, self.edges):
            return self.edges[2]
        self.edges = None
        if found is not None:
            left, right = [run for run in runs if run.x1 <= found + 1], [run for run in runs if run.x0 >= found - 1]
            self.edges = min(run.x0 for run in left), max(run.x1 for run in left), found, min(run.x0 for run in right)
        return found


def _stand_in(runs: list[Run], edges: tuple[float, float, float, float]) -> bool:
    left, end, gutter, right = edges
    sides = [run for run in runs if run.x0 < gutter], [run for run in runs if run.x0 >= gutter]
    if not all(sides) or any(run.table is not None for run in runs) or len(gather_lines(runs)) > 3 * _LEAST_LINES:
        return False
    aligned = abs(min(run.x0 for run in sides[0]) - left) < 4 and abs(min(run.x0 for run in sides[1]) - right) < 4
    widest = max(run.x1 for run in sides[0])
    return aligned and widest <= right and widest - left > 0.8 * (end - left)


def reading_order(runs: list[Run], depth: int = 0, *, columns: Columns | None = None) -> list[list[Line]]:
    """Regions in reading order, each one column of lines from top to bottom.

    A gutter counts only when both sides hold lines that fill their side like prose: the gaps of a table do not.
    """
    gutter = _gutter(runs, depth) if depth < _DEPTH else None
    if columns is not None and runs:
        gutter = columns.gutter(runs, gutter)
    if gutter is None:
        return [gather_lines(runs)] if runs else []
    regions: list[list[Line]] = []
    band: list[Run] = []
    spanning = False
    ordinary = median(run.size for run in runs)
    for line in gather_lines(runs):
        crosses = any(run.x0 < gutter - 1 and run.x1 > gutter + 1 for run in line.runs)
        if crosses or (line.size > 1.1 * ordinary and _parts_columns(line, runs, gutter)):
            if spanning and not band:
                regions[-1].append(line)
                continue
            regions.extend(_sides(band, gutter, depth))
            regions.append([line])
            band, spanning = [], True
        else:
            band.extend(line.runs)
    regions.extend(_sides(band, gutter, depth))
    return regions


def _parts_columns(line: Line, runs: list[Run], gutter: float) -> bool:
    """Whether a short heading stands over both columns: beside it the other column pauses, above and below it not."""
    if line.x0 < gutter < line.x1:
        return False
    left = line.x1 <= gutter
    beside = [run for run in runs if (run.x0 >= gutter) == left and run.table is None]
    reach = 0.6 * line.size
    pauses = all(run.y1 < line.y0 - reach or run.y0 > line.y1 + reach for run in beside)
    return pauses and any(run.y1 < line.y0 for run in beside) and any(run.y0 > line.y1 for run in beside)


def _sides(band: list[Run], gutter: float, depth: int) -> list[list[Line]]:
    left = [run for run in band if (run.x0 + run.x1) / 2 < gutter]
    right = [run for run in band if (run.x0 + run.x1) / 2 >= gutter]
    return reading_order(left, depth + 1) + reading_order(right, depth + 1)


def _gutter(runs: list[Run], depth: int) -> float | None:
    if len(runs) < 2 * _LEAST_LINES:
        return None
    left, right = min(run.x0 for run in runs), max(run.x1 for run in runs)
    width = right - left
    bins = [0] * (int(width / _BIN) + 2)
    for run in runs:
        for index in range(max(0, int((run.x0 - left) / _BIN)), int((run.x1 - left) / _BIN) + 1):
            bins[index] += 1
    allowed = max(1, int(len(runs) * 0.15))
    candidates = [i for i in range(int(len(bins) * 0.15), int(len(bins) * 0.85)) if bins[i] <= allowed]
    for index in sorted(_valley_centres(candidates, bins), key=lambda i: (bins[i], abs(i - len(bins) / 2)))[:6]:
        gutter = left + (index + 0.5) * _BIN
        if _prose_on_both_sides(runs, gutter, depth):
            return gutter
    return None if depth else _spine(runs, (left, right), bins)


def _spine(runs: list[Run], edges: tuple[float, float], bins: list[int]) -> float | None:
    """The middle of a sheet that holds two pages side by side, whatever stands on them.

    A broad stretch in the middle of a wide sheet that nothing enters, and lines on both sides that do not stand at the
    same heights, as those of a table do.
    """
    width = edges[1] - edges[0]
    if width < 1.2 * (max(run.y1 for run in runs) - min(run.y0 for run in runs)):
        return None
    start = end = len(bins) // 2
    if bins[start]:
        return None
    while start > 0 and not bins[start - 1]:
        start -= 1
    while end < len(bins) - 1 and not bins[end + 1]:
        end += 1
    if (end - start) * _BIN < _SPINE * width:
        return None
    gutter = edges[0] + (start + end + 1) / 2 * _BIN
    sides = [gather_lines([run for run in runs if (run.x0 < gutter) == left]) for left in (True, False)]
    fewer, more = sorted(sides, key=len)
    heights = [line.y0 + line.y1 for line in more]
    beside = sum(any(abs(line.y0 + line.y1 - each) < 0.5 * line.size for each in heights) for line in fewer)
    return gutter if len(fewer) >= 2 * _LEAST_LINES and beside < _BESIDE * len(fewer) else None


def _valley_centres(candidates: list[int], bins: list[int]) -> list[int]:
    """The middle of each stretch of neighbouring candidates with the same, locally lowest count."""
    centres: list[int] = []
    start = 0
    for position in range(1, len(candidates) + 1):
        ends = position == len(candidates) or candidates[position] != candidates[position - 1] + 1
        if ends or bins[candidates[position]] != bins[candidates[start]]:
            if position - start >= 2:
                centres.append(candidates[(start + position - 1) // 2])
            start = position
    return centres


def _prose_on_both_sides(runs: list[Run], gutter: float, depth: int) -> bool:
    left = [run for run in runs if run.x1 <= gutter + 1]
    right = [run for run in runs if run.x0 >= gutter - 1]
    if not all(_is_prose(side) or _has_columns(side, depth + 1) for side in (left, right)):
        return False
    top = max(min(run.y0 for run in left), min(run.y0 for run in right))
    bottom = min(max(run.y1 for run in left), max(run.y1 for run in right))
    shorter = min(max(run.y1 for run in side) - min(run.y0 for run in side) for side in (left, right))
    return bottom - top > 0.3 * shorter


def _has_columns(side: list[Run], depth: int) -> bool:
    """Whether one side of a gutter is columns again: their lines need not stand at the same heights."""
    return depth < _DEPTH and _gutter(side, depth) is not None


def _is_prose(side: list[Run]) -> bool:
    lines = gather_lines([run for run in side if run.table is None])
    if len(lines) < _LEAST_LINES:
        return False
    width = max(line.x1 for line in lines) - min(line.x0 for line in lines)
    filled = median(sum(run.x1 - run.x0 for run in line.runs) for line in lines)
    return filled > 0.5 * width and median(len(line.text) for line in lines) >= _LEAST_CHARACTERS
