"""Text in a PDF that nobody sees: in the paper's own colour, fully transparent, drawn invisibly, or beside the page.

Such text carries instructions to a model past the person who reads the page. White text on a dark ground is seen, and
so is the invisible text layer of a scan, which repeats what its picture shows: both stay, and are looked at once more
where the page is drawn (:mod:`liaoyuan.knowledge.parse.pdf_layer`).
"""

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from liaoyuan.knowledge.parse.blocks import Box

_PALE, _FAINT = 245, 12
_INVISIBLE_MODES = frozenset({pdfium.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium.FPDF_TEXTRENDERMODE_CLIP})
_SCANNED = 0.3


class Sight(Enum):
    """What is known of a character: seen, not seen, of the invisible layer of a scan, or pale on something unknown."""

    SEEN = 0
    UNSEEN = 1
    LAYER = 2
    UNSURE = 3


@dataclass(slots=True)
class Ground:
    """What lies on the paper: coloured areas and pictures, and how much of the page pictures cover."""

    areas: list[Box]
    covered: float

    def under(self, box: Box) -> bool:
        """Whether something other than bare paper is behind the middle of ``box``."""
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        return any(area[0] <= x <= area[2] and area[1] <= y <= area[3] for area in self.areas)


def is_ground(thing: pypdfium2.PdfObject) -> bool:
    """Whether a drawn path fills an area with a colour that pale text can be read on."""
    filled, stroked = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDFPath_GetDrawMode(thing.raw, filled, stroked)
    colour = _colour(thing.raw)
    return bool(filled.value) and colour is not None and not _pale(colour)


class Hidden:
    """Decides character by character, and only on pages where some text object gives reason to look."""

    def __init__(self, page: pypdfium2.PdfPage, ground: Ground, width: float, height: float) -> None:
        self._ground, self._width, self._height = ground, width, height
        self._looks = any(
            map(self._suspicious, _texts(page.raw, pdfium.FPDFPage_CountObjects, pdfium.FPDFPage_GetObject))
        )

    def __call__(self, textpage: "ctypes._Pointer[ctypes.c_void_p]", index: int, box: Box) -> Sight:
        """Whether character ``index`` with its ``box`` on the page as shown can be seen."""
        if box[2] < -1 or box[3] < -1 or box[0] > self._width + 1 or box[1] > self._height + 1:
            return Sight.UNSEEN
        if not self._looks:
            return Sight.SEEN
        thing = pdfium.FPDFText_GetTextObject(textpage, index)
        if not thing or not self._suspicious(thing):
            return Sight.SEEN
        if pdfium.FPDFTextObj_GetTextRenderMode(thing) in _INVISIBLE_MODES:
            return Sight.LAYER if self._ground.covered >= _SCANNED else Sight.UNSEEN
        return Sight.UNSURE if self._ground.under(box) else Sight.UNSEEN

    def _suspicious(self, thing: "ctypes._Pointer[ctypes.c_void_p]") -> bool:
        if pdfium.FPDFTextObj_GetTextRenderMode(thing) in _INVISIBLE_MODES:
            return True
        colour = _colour(thing)
        return colour is not None and (_pale(colour) or colour[3] < _FAINT)


def _texts(holder: Any, count: Callable[[Any], int], get: Callable[[Any, int], Any], depth: int = 3) -> Iterator[Any]:
    """Text objects of a page or form, by the bare functions: a page may have one for each character."""
    for index in range(count(holder)):
        thing = get(holder, index)
        kind = pdfium.FPDFPageObj_GetType(thing)
        if kind == pdfium.FPDF_PAGEOBJ_TEXT:
            yield thing
        elif kind == pdfium.FPDF_PAGEOBJ_FORM and depth:
            yield from _texts(thing, pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject, depth - 1)


def _colour(thing: "ctypes._Pointer[ctypes.c_void_p]") -> tuple[int, int, int, int] | None:
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    if not pdfium.FPDFPageObj_GetFillColor(thing, red, green, blue, alpha):
        return None
    return red.value, green.value, blue.value, alpha.value


def _pale(colour: tuple[int, int, int, int]) -> bool:
    return min(colour[:3]) >= _PALE
