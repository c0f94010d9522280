"""Running headers, footers and page numbers: on every page, part of none."""

import re
from collections import Counter

from liaoyuan.knowledge.parse.runs import Run, gather_lines

_BAND = 0.085
_PAGE_NUMBER = re.compile(
    r"^[\s\-–—·.|/~]*(?:第\s*)?(?:page\s*)?(?:\d{1,4}|[ivxlc]{1,6}|[一二三四五六七八九十百]{1,5})"
    r"(?:\s*页)?(?:\s*(?:/|of|共|，共|,共)\s*(?:共\s*)?\d{1,4}\s*页?)?[\s\-–—·.|~]*$",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")


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
            if repeats or _PAGE_NUMBER.match(text):
                gone = {id(run) for run in members}
                runs[:] = [run for run in runs if id(run) not in gone]
                removed = True
    return removed


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
