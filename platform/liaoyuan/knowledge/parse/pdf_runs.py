"""Reads characters, boxes and ruling lines of one PDF page straight from pdfium."""

import ctypes
import math
import re
import unicodedata
from dataclasses import dataclass, field

import pypdfium2
import pypdfium2.raw as pdfium

from liaoyuan.knowledge.parse.blocks import Box
from liaoyuan.knowledge.parse.pdf_hidden import Ground, Hidden, Sight, is_ground
from liaoyuan.knowledge.parse.runs import Run
from liaoyuan.knowledge.parse.tables import Rule
from liaoyuan.knowledge.parse.text import is_cjk

_GAP = 1.3
_TOUCHING = 0.12
_TINY = 1.5
_BOLD = 600
_BREAKS = frozenset({10, 13})
# The first half of a sign of two halves takes no room of its own.
_BLANKS = frozenset({9, 32, 160, *range(0xD800, 0xDC00)})
_SPACING = _BREAKS | _BLANKS
_MATHEMATICAL = range(0x1D400, 0x1D800)
_ASCENT = 0.88
_FLAT, _LOW = frozenset("一丶ー"), frozenset("二三工土士上中口日曰acemnorsuvwxzαειηκνοπρστυω")
_HYPHENS = frozenset("\x02\ufffe")
_BOLD_FONT = re.compile(rb"bold|heavy", re.IGNORECASE)
# TeX's, Word's and the usual free fonts for formulas.
_FORMULA_FONT = re.compile(rb"CM(?:MI|SY|EX)|MSBM|MTMI|MTSY|Math|Symbol|MT-?Extra|Euclid", re.IGNORECASE)
_MOST_PATHS = 4000
_MOST_PICTURES = 500
# Points: what is thinner is a rule, not a ground for text.
_LEAST_GROUND = 4.0
# Points: how wide a drawn bullet is.
_DOT = (1.5, 7.0)
_MOST_CHARACTERS = 200_000


@dataclass(slots=True)
class PageText:
    """Runs of a page (upright and turned), how many characters had no meaning, whether hidden text was dropped,
    and whether some of it is the invisible layer of a scan."""

    upright: list[Run]
    turned: list[Run]
    characters: int
    unmapped: int
    hidden: bool
    layer: bool = False


@dataclass(slots=True)
class Drawn:
    """What is drawn beside text: ruling lines, pictures, coloured ground, and the number of paths."""

    rules: list[Rule] = field(default_factory=list)
    pictures: list[Box] = field(default_factory=list)
    ground: Ground = field(default_factory=lambda: Ground([], 0.0))
    paths: int = 0
    # Middles of small round or square shapes.
    dots: list[tuple[float, float]] = field(default_factory=list)


class Frame:
    """Turns pdfium's page space (origin bottom left, before rotation) into points as shown (origin top left)."""

    def __init__(self, page: pypdfium2.PdfPage) -> None:
        self.left, self.bottom, self.right, self.top = page.get_bbox()
        self.rotation = page.get_rotation()
        self.width, self.height = page.get_size()

    def box(self, left: float, bottom: float, right: float, top: float) -> tuple[float, float, float, float]:
        """A box of page space as (x0, y0, x1, y1) on the page as shown."""
        x0, x1, y0, y1 = left - self.left, right - self.left, self.top - top, self.top - bottom
        if self.rotation == 90:
            span = self.top - self.bottom
            return span - y1, x0, span - y0, x1
        if self.rotation == 180:
            return self.right - right, bottom - self.bottom, self.right - left, top - self.bottom
        if self.rotation == 270:
            span = self.right - self.left
            return y0, span - x1, y1, span - x0
        return x0, y0, x1, y1


class _Collector:
    """Characters in the order of the file become runs; a jump, a wide gap or a line end closes one."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.run: Run | None = None
        self.space = False
        # pdfium sees a line's end here; where it takes a page of columns for upright writing, after every character.
        self.ended = False

    def add(self, character: str, box: tuple[float, float, float, float], *, joins: bool) -> bool:
        """Adds one visible character, to the open run if it ``joins``; returns whether it opened a new run."""
        run = self.run
        x0, y0, x1, y1 = box
        if run is not None and joins:
            if run.chars and run.chars[-1][0] == character and 0.001 < abs(run.chars[-1][1] - x0) < 0.15 * run.size:
                return False  # bold faked by printing twice
            if self._blank(run, character, x0):
                run.chars.append((" ", run.x1, x0))
            run.chars.append((character, x0, x1))
            run.x1, run.y0, run.y1 = max(run.x1, x1), min(run.y0, y0), max(run.y1, y1)
            self.space = self.ended = False
            return False
        self.close()
        self.run = Run("", x0, y0, x1, y1, size=max(y1 - y0, 0.1), chars=[(character, x0, x1)])
        return True

    def _blank(self, run: Run, character: str, x0: float) -> bool:
        if not self.space:
            return False
        touching = x0 - run.x1 < 0.2 * run.size
        return not (touching and is_cjk(character) and is_cjk(run.chars[-1][0]))

    def joins(self, box: tuple[float, float, float, float], *, unsure: bool = False) -> bool:
        """Whether a character in ``box`` goes on with the open run."""
        run = self.run
        if run is None or run.unsure != unsure:
            return False
        gap = box[0] - run.x1
        apart = abs((box[1] + box[3]) / 2 - run.middle) > 0.5 * run.size
        if self.ended:
            return not apart and -_TOUCHING * run.size < gap < _TOUCHING * run.size
        return not apart and -1.2 * run.size < gap < _GAP * run.size

    def pause(self, *, line: bool) -> None:
        """A blank stands here, or what looks like the end of a line."""
        self.space, self.ended = self.space or not line, self.ended or line

    def close(self) -> None:
        """Ends the open run, if any."""
        if self.run is not None:
            self.run.text = "".join(char[0] for char in self.run.chars).strip()
            if self.run.text:
                self.runs.append(self.run)
        self.run, self.space, self.ended = None, False, False


def page_text(page: pypdfium2.PdfPage, frame: Frame, ground: Ground) -> PageText:
    """Every character of the text layer that can be seen, with its box, as runs."""
    textpage = page.get_textpage()
    hidden = Hidden(page, ground, frame.width, frame.height)
    try:
        return _collect(textpage.raw, min(textpage.count_chars(), _MOST_CHARACTERS), frame, hidden)
    finally:
        textpage.close()


def _collect(raw: "ctypes._Pointer[ctypes.c_void_p]", count: int, frame: Frame, hidden: Hidden) -> PageText:
    upright, turned = _Collector(), _Collector()
    text = PageText(upright.runs, turned.runs, 0, 0, hidden=False)
    collector, rect = upright, pdfium.FS_RECTF()
    reference = ctypes.byref(rect)
    for index in range(count):
        code = pdfium.FPDFText_GetUnicode(raw, index)
        if code in _SPACING:
            collector.pause(line=code in _BREAKS)
            continue
        text.characters += 1
        character = chr(code) if 0x20 < code < 0x80 or 0x3000 < code < 0xD800 else _letter(raw, index, code)
        if not character:
            text.unmapped += 1
            continue
        pdfium.FPDFText_GetLooseCharBox(raw, index, reference)
        # Asked only where it may matter: one character in a line is much lower than those before it.
        if collector.run is None or rect.top - rect.bottom < 0.9 * collector.run.size:
            _grow(raw, index, rect)
        box = frame.box(rect.left, rect.bottom, rect.right, rect.top)
        sight = Sight.UNSEEN if _invisible(box) else hidden(raw, index, box)
        if sight is Sight.UNSEEN:
            text.hidden = True
            continue
        text.layer = text.layer or sight is Sight.LAYER
        unsure = sight is not Sight.SEEN
        joins = collector.joins(box, unsure=unsure)
        if not joins:
            collector = turned if _is_turned(raw, index, frame) else upright
            joins = collector.joins(box, unsure=unsure)
        if collector.add(character, box, joins=joins) and collector.run is not None:
            collector.run.unsure = unsure
            _dress(raw, index, collector.run)
    upright.close()
    turned.close()
    return text


def _dress(raw: "ctypes._Pointer[ctypes.c_void_p]", index: int, run: Run) -> None:
    """The size, weight and kind of a run's font, as its first character has them."""
    em, _ = _em(raw, index)
    run.size = em if 0.6 * em < run.size < 2 * em else run.size
    font = _font(raw, index)
    run.bold = pdfium.FPDFText_GetFontWeight(raw, index) >= _BOLD or bool(_BOLD_FONT.search(font))
    run.formula = bool(_FORMULA_FONT.search(font))


def _invisible(box: Box) -> bool:
    return 0 < box[3] - box[1] < _TINY


def _em(raw: "ctypes._Pointer[ctypes.c_void_p]", index: int) -> tuple[float, bool]:
    """The size of a character's font in points, and whether the character stands level."""
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFText_GetMatrix(raw, index, ctypes.byref(matrix))
    size: float = pdfium.FPDFText_GetFontSize(raw, index)
    return size * math.hypot(matrix.c, matrix.d), abs(matrix.b) < 0.01 * abs(matrix.a) and matrix.d > 0


def _grow(raw: "ctypes._Pointer[ctypes.c_void_p]", index: int, rect: pdfium.FS_RECTF) -> None:
    """``rect`` grows to the font's height where the font tells no ascent (Type 3) and the box is that of the ink: a
    flat 一 or a full stop would stand on no line, and the lines of one paragraph would differ in height."""
    em, level = _em(raw, index)
    height = rect.top - rect.bottom
    if not (level and 0 < height < 0.97 * em < 200) or (height < 0.5 * em and not _flat(raw, index, height / em)):
        return
    x, y = ctypes.c_double(), ctypes.c_double()
    if pdfium.FPDFText_GetCharOrigin(raw, index, ctypes.byref(x), ctypes.byref(y)):
        rect.top, rect.bottom = max(rect.top, y.value + _ASCENT * em), min(rect.bottom, y.value - (1 - _ASCENT) * em)


def _flat(raw: "ctypes._Pointer[ctypes.c_void_p]", index: int, share: float) -> bool:
    """Whether a character is low by nature. Others that are drawn so small in a large font are meant to be unseen."""
    character = chr(pdfium.FPDFText_GetUnicode(raw, index))
    return character in _FLAT or not character.isalnum() or (character in _LOW and share > 0.3)


def _letter(raw: "ctypes._Pointer[ctypes.c_void_p]", index: int, code: int) -> str:
    """The character, empty where it has no meaning. Signs beyond the first plane come as two halves, of which the first
    is a blank; letters of formulas (𝐸, 𝛼) become the plain ones, which is what a person types who looks for them."""
    if 0xDC00 <= code < 0xE000 and index:
        high = pdfium.FPDFText_GetUnicode(raw, index - 1)
        code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00) if 0xD800 <= high < 0xDC00 else 0
    if code in _MATHEMATICAL:
        return unicodedata.normalize("NFKC", chr(code))
    if _is_unmapped(code):
        return ""
    return "\u00ad" if chr(code) in _HYPHENS else chr(code)


def _is_unmapped(code: int) -> bool:
    return code in {0, 0xFFFD} or 0xE000 <= code <= 0xF8FF or 0xD800 <= code <= 0xDFFF or code >= 0xF0000


def _is_turned(raw: "ctypes._Pointer[ctypes.c_void_p]", index: int, frame: Frame) -> bool:
    angle: float = pdfium.FPDFText_GetCharAngle(raw, index) * 57.29578 + frame.rotation
    return 30 < angle % 180 < 150


def _font(raw: "ctypes._Pointer[ctypes.c_void_p]", index: int) -> bytes:
    buffer = ctypes.create_string_buffer(64)
    flags = ctypes.c_int()
    pdfium.FPDFText_GetFontInfo(raw, index, buffer, 64, ctypes.byref(flags))
    return buffer.value


def page_drawn(page: pypdfium2.PdfPage, frame: Frame) -> Drawn:
    """Ruling lines, pictures and coloured ground; the share that pictures cover may exceed 1."""
    drawn = Drawn()
    covered = 0.0
    kinds = (pdfium.FPDF_PAGEOBJ_PATH, pdfium.FPDF_PAGEOBJ_IMAGE)
    for thing in page.get_objects(filter=kinds, max_depth=3):
        try:
            box = frame.box(*thing.get_bounds())
        except pypdfium2.PdfiumError:
            continue  # an object without extent draws nothing
        if thing.type == pdfium.FPDF_PAGEOBJ_IMAGE:
            covered += max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])
            drawn.pictures.append(box)
            continue
        drawn.paths += 1
        if drawn.paths <= _MOST_PATHS:
            drawn.rules.extend(_path_rules(thing, frame, box))
            if _is_dot(box):
                drawn.dots.append(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2))
            if box[2] - box[0] > _LEAST_GROUND and box[3] - box[1] > _LEAST_GROUND and is_ground(thing):
                drawn.ground.areas.append(box)
    drawn.rules, drawn.pictures = drawn.rules[:_MOST_PATHS], drawn.pictures[:_MOST_PICTURES]
    drawn.ground.areas.extend(drawn.pictures)
    drawn.ground.covered = covered / max(1.0, frame.width * frame.height)
    return drawn


def _is_dot(box: Box) -> bool:
    width, height = box[2] - box[0], box[3] - box[1]
    return _DOT[0] < width < _DOT[1] and abs(width - height) < 0.25 * width


def mark_bullets(runs: list[Run], dots: list[tuple[float, float]]) -> None:
    """Tells the runs before which a bullet is drawn: browsers draw them as shapes."""
    for x, y in dots:
        near = [run for run in runs if 0 < run.x0 - x < 2.2 * run.size and abs(run.middle - y) < 0.4 * run.size]
        if near:
            min(near, key=lambda run: run.x0 - x).bullet = True


def _path_rules(path: pypdfium2.PdfObject, frame: Frame, box: tuple[float, float, float, float]) -> list[Rule]:
    thin = _thin(box)
    if thin is not None:
        return [thin] if thin.end - thin.start > 6 else []
    count = pdfium.FPDFPath_CountSegments(path.raw)
    if count < 2 or count > 400:
        return []
    return _segment_rules(path, count, frame)


def _segment_rules(path: pypdfium2.PdfObject, count: int, frame: Frame) -> list[Rule]:
    matrix = path.get_matrix()
    x, y = ctypes.c_float(), ctypes.c_float()
    rules: list[Rule] = []
    last: tuple[float, float] | None = None
    opened: tuple[float, float] | None = None
    for index in range(count):
        segment = pdfium.FPDFPath_GetPathSegment(path.raw, index)
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        point = matrix.on_point(x.value, y.value)
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            opened = point
        elif kind == pdfium.FPDF_SEGMENT_BEZIERTO:
            return []
        elif last is not None:
            rules.extend(_rule(last, point, frame))
        if pdfium.FPDFPathSegment_GetClose(segment) and opened is not None:
            rules.extend(_rule(point, opened, frame))
        last = point
    return rules


def _rule(start: tuple[float, float], end: tuple[float, float], frame: Frame) -> list[Rule]:
    (x0, y0), (x1, y1) = start, end
    rule = _thin(frame.box(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)))
    return [rule] if rule is not None and rule.end - rule.start > 6 else []


def _thin(box: tuple[float, float, float, float]) -> Rule | None:
    width, height = box[2] - box[0], box[3] - box[1]
    if width <= 2.5 and height > width:
        return Rule(vertical=True, at=(box[0] + box[2]) / 2, start=box[1], end=box[3])
    if height <= 2.5 and width > height:
        return Rule(vertical=False, at=(box[1] + box[3]) / 2, start=box[0], end=box[2])
    return None
