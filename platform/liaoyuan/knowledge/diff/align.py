"""Which block of one version is which of the other: those that stayed in order, that changed, that moved."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Final

from liaoyuan.knowledge.diff.words import likeness, sketch

Pair = tuple[int | None, int | None]
# Below it two blocks of a changed stretch are two blocks, not one that changed.
_ALIKE: Final = 0.35
_MOVED_ALIKE: Final = 0.8
# Shorter texts repeat by chance ("备注", "无"); calling them moved would mislead.
_MOVED_LENGTH: Final = 10
# Blocks compared with each other inside one changed stretch: all of a small one, a band along the diagonal of a large.
_WINDOW: Final = 60
_BAND: Final = 12
# A longer stretch without one common block is paired piece by piece: a book in which every paragraph was touched is
# still the same book, and all of it at once would take the memory of the machine.
_LONGEST: Final = 1500
# Of such a stretch so many times as long as the other a document was written anew: pairing would tell nothing.
_UNEQUAL: Final = 1.5
# Blocks that went × blocks that came, compared for moves with changes.
_MOST_COMPARED: Final = 100_000


def align(before: Sequence[Hashable], after: Sequence[Hashable], old: Sequence[str], new: Sequence[str]) -> list[Pair]:
    """Pairs (before, after) in reading order, each block once; None where there is no other.

    ``before`` and ``after`` are the blocks' keys (equal means unchanged), ``old`` and ``new`` their texts.
    """
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    found: list[Pair] = [(place, place) for place in range(start)]
    middle = SequenceMatcher(None, before[start : len(before) - end], after[start : len(after) - end])
    for kind, i, k, j, m in middle.get_opcodes():
        i, k, j, m = i + start, k + start, j + start, m + start
        if kind == "equal":
            found += [(i + step, j + step) for step in range(k - i)]
        else:
            found += _stretch(range(i, k), range(j, m), old, new)
    found += [(len(before) - end + step, len(after) - end + step) for step in range(end)]
    return found


def _stretch(before: range, after: range, old: Sequence[str], new: Sequence[str]) -> list[Pair]:
    """Pair what is alike without crossing, so that reading order stays; the best total likeness wins."""
    longer, shorter = max(len(before), len(after)), min(len(before), len(after))
    if not shorter or (longer > _LONGEST and longer > shorter * _UNEQUAL):
        return [(place, None) for place in before] + [(None, place) for place in after]
    if longer > _LONGEST:
        return _by_pieces(before, after, old, new)
    matched = _best(before, after, [sketch(old[i]) for i in before], [sketch(new[j]) for j in after])
    found: list[Pair] = []
    i, j = before.start, after.start
    for left, right in [*matched, (before.stop, after.stop)]:
        found += [(place, None) for place in range(i, left)]
        found += [(None, place) for place in range(j, right)]
        if left < before.stop:
            found.append((left, right))
        i, j = left + 1, right + 1
    return found


def _by_pieces(before: range, after: range, old: Sequence[str], new: Sequence[str]) -> list[Pair]:
    """Both cut at the same shares of their length; what drifts over a cut is told as gone and come."""
    count = -(-max(len(before), len(after)) // _LONGEST)
    cuts = [(len(before) * part // count, len(after) * part // count) for part in range(count + 1)]
    found: list[Pair] = []
    for (i, j), (k, m) in pairwise(cuts):
        found += _stretch(before[i:k], after[j:m], old, new)
    return found


def _best(before: range, after: range, old: Sequence[int], new: Sequence[int]) -> list[tuple[int, int]]:
    """The classic alignment by dynamic programming, inside a band along the diagonal where the stretch is large."""
    rows, columns = len(before), len(after)
    slope = columns / rows
    band = max(rows, columns) if max(rows, columns) <= _WINDOW else _BAND
    scores: dict[tuple[int, int], float] = {}
    step: dict[tuple[int, int], tuple[int, int]] = {}
    for i in range(1, rows + 1):
        centre = int(i * slope)
        for j in range(max(1, centre - band), min(columns, centre + band) + 1):
            alike = likeness(old[i - 1], new[j - 1])
            options = [(scores.get((i - 1, j), 0.0), (i - 1, j)), (scores.get((i, j - 1), 0.0), (i, j - 1))]
            if alike >= _ALIKE:
                options.append((scores.get((i - 1, j - 1), 0.0) + alike, (i - 1, j - 1)))
            scores[i, j], step[i, j] = max(options)
    return _walk(before, after, step, scores, columns)


def _walk(
    before: range,
    after: range,
    step: dict[tuple[int, int], tuple[int, int]],
    scores: dict[tuple[int, int], float],
    columns: int,
) -> list[tuple[int, int]]:
    row = len(before)
    at = max((place for place in scores if place[0] == row), key=lambda place: scores[place], default=(row, columns))
    found: list[tuple[int, int]] = []
    while at in step:
        onward = step[at]
        if onward == (at[0] - 1, at[1] - 1):
            found.append((before[at[0] - 1], after[at[1] - 1]))
        at = onward
    return found[::-1]


def moves(gone: Sequence[int], come: Sequence[int], old: Sequence[str], new: Sequence[str]) -> dict[int, int]:
    """Which of the blocks that went are among those that came, elsewhere: {after: before}. Equal texts first."""
    places: dict[str, list[int]] = defaultdict(list)
    for place in gone:
        if len(old[place]) >= _MOVED_LENGTH:
            places[old[place]].append(place)
    found: dict[int, int] = {}
    for place in come:
        if places.get(new[place]):
            found[place] = places[new[place]].pop(0)
    taken = set(found.values())
    rest = [place for place in gone if place not in taken and len(old[place]) >= _MOVED_LENGTH]
    return found | _near_moves(rest, [place for place in come if place not in found], old, new)


def _near_moves(gone: Sequence[int], come: Sequence[int], old: Sequence[str], new: Sequence[str]) -> dict[int, int]:
    """Moved and changed a little. A document that was written anew is not searched for such."""
    if len(gone) * len(come) > _MOST_COMPARED:
        return {}
    sketches = {place: sketch(old[place]) for place in gone}
    found: dict[int, int] = {}
    for place in come:
        if len(new[place]) < _MOVED_LENGTH or not sketches:
            continue
        own = sketch(new[place])
        alike, best = max((likeness(each, own), before) for before, each in sketches.items())
        if alike >= _MOVED_ALIKE:
            found[place] = best
            del sketches[best]
    return found
