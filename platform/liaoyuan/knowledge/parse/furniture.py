"""Running headers, footers, page numbers and marks across pages: on every page, part of none."""

import re
from collections import Counter
from collections.abc import Sequence

from liaoyuan.knowledge.parse.runs import Run, gather_lines

_BAND = 0.085
_PAGE_NUMBER = re.compile(
    r"^[\s\-–—·.|/~]*(?:第\s*)?(?:page\s*)?(?:\d{1,4}|[ivxlc]{1,6}|[一二三四五六七八九十百]{1,5})"
    r"(?:\s*页)?(?:\s*(?:/|of|共|，共|,共)\s*(?:共\s*)?\d{1,4}\s*页?)?[\s\-–—·.|~]*$",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")
# Lines of that many cells, one right below the other, are rows of a table that reaches into the margin.
_ROW_CELLS = 3


def remove_furniture(pages: list[list[Run]], heights: list[float]) -> bool:
    """Takes page numbers and texts that repeat at the page edges out of ``pages``; returns whether anything went."""
    edges = [_edge_lines(runs, height) for runs, height in zip(pages, heights, strict=True)]
    seen = Counter(key for lines in edges for key in {_key(text, place) for text, place, _ in lines})
    filled = sum(bool(runs) for runs in pages)
    needed = max(2, filled // 2) if filled < 6 else max(3, filled // 4)
    removed = False
    for runs, lines in zip(pages, edges, strict=True):
        for text, place, members in lines:
            repeats = filled > 1 and seen[_key(text, place)] >= needed
            if (repeats and not _is_row(members, runs)) or _PAGE_NUMBER.match(text):
                gone = {id(run) for run in members}
                runs[:] = [run for run in runs if id(run) not in gone]
                removed = True
    return removed


def remove_marks(pages: Sequence[list[Run]]) -> bool:
    """Takes words that stand askew on most pages, always the same, out of ``pages``: a mark such as 机密 or a name."""
    if len(pages) < 2:
        return False
    texts = ["".join(run.text for run in runs) for runs in pages]
    seen = Counter(text for text in texts if text)
    removed = False
    for runs, text in zip(pages, texts, strict=True):
        if text and len(text) <= 200 and seen[text] >= max(2, 0.6 * len(pages)):
            runs.clear()
            removed = True
    return removed


def _is_row(members: Sequence[Run], runs: Sequence[Run]) -> bool:
    if len(members) < _ROW_CELLS:
        return False
    own = {id(run) for run in members}
    top, bottom = min(run.y0 for run in members), max(run.y1 for run in members)
    reach = 2.5 * (bottom - top)
    near = [run for run in runs if id(run) not in own and top - reach < run.middle < bottom + reach]
    return any(len(line.runs) >= _ROW_CELLS for line in gather_lines(near))


def _edge_lines(runs: list[Run], height: float) -> list[tuple[str, str, list[Run]]]:
    found: list[tuple[str, str, list[Run]]] = []
    for place, members in (
        ("top", [run for run in runs if run.y1 < height * _BAND]),
        ("bottom", [run for run in runs if run.y0 > height * (1 - _BAND)]),
    ):
        found.extend((line.text, place, line.runs) for line in gather_lines(members))
    return found


def _key(text: str, place: str) -> tuple[str, str]:
    return _DIGITS.sub("#", text), place
