"""The text layer of a scan against its picture: what the layer says and the picture does not show was planted.

Two looks. Where nothing is drawn under a run of the layer, the run is dropped: one small rendering a page. And pages
whose layer is drawn invisibly are recognised and compared: a few of every file, more while a share of its time lasts,
and all of one that was caught: there the picture's own words are taken. A layer that recognition cannot judge
(handwriting, another script) stays.
"""

import zlib
from collections.abc import Sequence
from typing import Final

import numpy
import pypdfium2
from numpy.typing import NDArray

from liaoyuan.knowledge.parse.runs import Run
from liaoyuan.knowledge.parse.text import is_cjk

# Grey levels between the darkest and the lightest pixel under words that can be seen; paper and its noise stay below.
_LEAST_CONTRAST: Final = 48
_MARGIN: Final = 0.5
# Shorter runs say too little to be told from an error of recognition.
_LEAST_LETTERS: Final = 8
_LEAST_SHARED: Final = 0.25
_COMPARED: Final = 3
# Of the seconds that a file may take: what goes into comparing further pages. A short scan is compared whole.
COMPARED_SHARE: Final = 0.05


def without_ink(page: pypdfium2.PdfPage, runs: Sequence[Run]) -> list[Run]:
    """Those of ``runs`` (in points as shown) under which the page shows nothing."""
    if not runs:
        return []
    pixels = page.render(scale=1.0, grayscale=True).to_numpy()
    return [run for run in runs if not _inked(pixels.reshape(pixels.shape[0], pixels.shape[1]), run)]


def pages_compared(pages: Sequence[int], data: bytes) -> list[int]:
    """Which of ``pages`` are recognised first: all of a few, else some spread over the file from a place that follows
    from its own content, so that nobody can choose a page which is never looked at."""
    if len(pages) <= _COMPARED:
        return list(pages)
    step = len(pages) / _COMPARED
    start = zlib.crc32(data) % max(1, int(step))
    return [pages[start + int(number * step)] for number in range(_COMPARED) if start + int(number * step) < len(pages)]


def pages_next(pages: Sequence[int], done: Sequence[int], data: bytes) -> list[int]:
    """The pages that were not compared yet, in an order that follows from the file's own content as well."""
    left = set(pages) - set(done)
    seed = zlib.crc32(data)
    return sorted(left, key=lambda page: (zlib.crc32(page.to_bytes(4, "big"), seed), page))


def differs(layer: Sequence[Run], seen: Sequence[Run]) -> bool:
    """Whether some run of ``layer`` says what the picture does not show there, though words can be read there."""
    return any(_planted(run, seen) for run in layer)


def _inked(pixels: NDArray[numpy.uint8], run: Run) -> bool:
    height, width = pixels.shape
    top, bottom = max(0, int(run.y0 - _MARGIN)), min(height, int(run.y1 + _MARGIN) + 1)
    left, right = max(0, int(run.x0)), min(width, int(run.x1) + 1)
    area = pixels[top:bottom, left:right]
    return bool(area.size) and int(area.max()) - int(area.min()) >= _LEAST_CONTRAST


def _planted(run: Run, seen: Sequence[Run]) -> bool:
    # Two Chinese characters say as much as four letters, of which any two English sentences share many a pair.
    length = 2 if sum(map(is_cjk, run.text)) * 2 > len(run.text) else 4
    wanted = _pieces(run.text, length)
    if len(wanted) < _LEAST_LETTERS - 1 or not _readable(run.text):
        return False
    reach = max(run.size, run.y1 - run.y0)
    near = [each for each in seen if each.y0 - reach < run.middle < each.y1 + reach]
    beneath = any(each.y0 < run.middle < each.y1 and each.x0 < run.x1 and each.x1 > run.x0 for each in near)
    shown = set().union(*(_pieces(each.text, length) for each in near)) if near else set()
    return beneath and len(wanted & shown) < _LEAST_SHARED * len(wanted)


def _pieces(text: str, length: int) -> set[str]:
    letters = "".join(each for each in text.casefold() if each.isalnum())
    return {letters[start : start + length] for start in range(len(letters) - length + 1)}


def _readable(text: str) -> bool:
    """Chinese and English are what recognition reads; it would take another script for something else."""
    letters = [each for each in text if each.isalpha()]
    return sum(each.isascii() or is_cjk(each) for each in letters) > 0.8 * len(letters)
