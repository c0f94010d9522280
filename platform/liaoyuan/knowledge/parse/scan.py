"""A picture of a page set straight: turned upright, levelled, and with the ruling lines that are drawn on it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy
from numpy.typing import NDArray

from liaoyuan.knowledge.parse.blocks import Block, Box, TextLine
from liaoyuan.knowledge.parse.ocr import Corners, Pixels, found_lines, line_run, upside_down
from liaoyuan.knowledge.parse.open_tables import lined_tables
from liaoyuan.knowledge.parse.runs import Run, union
from liaoyuan.knowledge.parse.tables import Rule, ruled_tables

# Radians: what is less askew than this reads like a level page; more than the last is no scan laid askew.
_LEAST_SKEW, _MOST_SKEW = 0.003, 0.2
# Points: shorter strokes are parts of characters, thicker ones are bars or pictures.
_LEVEL_STROKE, _UPRIGHT_STROKE, _THICKEST = 36.0, 22.0, 5.0
_TALL_SHARE = 0.6
Mask = NDArray[numpy.uint8]


@dataclass(frozen=True, slots=True)
class Turn:
    """How a page was set straight: quarter turns against the clock, then ``skew`` radians about the middle.

    ``width`` and ``height`` are points of the page as shown.
    """

    quarters: int
    skew: float
    width: float
    height: float

    @property
    def straight_height(self) -> float:
        """Height in points of the page once set straight."""
        return self.width if self.quarters % 2 else self.height

    @property
    def _straight_width(self) -> float:
        return self.height if self.quarters % 2 else self.width

    def back(self, box: Box) -> Box:
        """A box of the straight page on the page as shown; a level box stays level, about the same middle."""
        across, down = self._straight_width / 2, self.straight_height / 2
        x, y = (box[0] + box[2]) / 2 - across, (box[1] + box[3]) / 2 - down
        cosine, sine = math.cos(self.skew), math.sin(self.skew)
        x, y = x * cosine - y * sine, x * sine + y * cosine
        half_width, half_height = (box[2] - box[0]) / 2, (box[3] - box[1]) / 2
        for _ in range(self.quarters):
            # One quarter with the clock undoes one against it.
            x, y = -y, x
            half_width, half_height = half_height, half_width
        x, y = x + self.width / 2, y + self.height / 2
        return (x - half_width, y - half_height, x + half_width, y + half_height)

    def placed(self, block: Block) -> Block:
        """The block with its boxes on the page as shown."""
        if block.box is None or not (self.quarters or self.skew):
            return block
        lines = tuple(replace(line, box=self.back(line.box)) for line in block.lines)
        return replace(block, box=_around(lines) or self.back(block.box), lines=lines)


@dataclass(frozen=True, slots=True)
class Scan:
    """The runs of a page set straight, its tables among them, the way back to the page as shown, and its lines of
    words where they stand on the page as shown."""

    runs: list[Run]
    turn: Turn
    words: list[Run]


def read_scan(image: Pixels, *, scale: float, threads: int) -> Scan:
    """What stands on a page (height, width, 3; BGR); ``scale`` = pixels a point."""
    lines = found_lines(image, threads=threads)
    height, width = image.shape[0] / scale, image.shape[1] / scale
    quarters = 0
    if _lies_on_side([(text, corners) for text, corners, _ in lines]):
        image, quarters = numpy.ascontiguousarray(numpy.rot90(image)), 1
        lines = found_lines(image, threads=threads)
    if upside_down(image, [corners for _, corners, _ in lines], threads=threads):
        image, quarters = numpy.ascontiguousarray(image[::-1, ::-1]), quarters + 2
        lines = found_lines(image, threads=threads)
    skew = _skew([corners for _, corners, _ in lines])
    turn = Turn(quarters, skew, width, height)
    middle = numpy.array([image.shape[1] / 2, image.shape[0] / 2])
    runs = [
        line_run(text, _levelled(corners, middle, skew), [(w, _levelled(box, middle, skew)) for w, box in words], scale)
        for text, corners, words in lines
    ]
    rules = ruling_lines(image, skew, scale) if len(runs) >= 4 else []
    words = [_shown(run, turn) for run in runs]
    return Scan(lined_tables(ruled_tables(runs, rules), rules) if rules else runs, turn, words)


def _shown(run: Run, turn: Turn) -> Run:
    x0, y0, x1, y1 = turn.back(run.box)
    return replace(run, x0=x0, y0=y0, x1=x1, y1=y1)


def _lies_on_side(lines: Sequence[tuple[str, Corners]]) -> bool:
    """Whether most words stand in boxes that are much higher than wide."""
    long = [(len(text), corners.max(axis=0) - corners.min(axis=0)) for text, corners in lines if len(text) >= 3]
    tall = sum(count for count, (width, height) in long if height > 1.5 * width)
    return tall > _TALL_SHARE * max(1, sum(count for count, _ in long))


def _skew(boxes: Sequence[Corners]) -> float:
    """The angle of the longer lines in radians, by the middle of them; 0 for a level page."""
    angles, weights = [], []
    for corners in boxes:
        along = (corners[1] - corners[0] + corners[2] - corners[3]) / 2
        length, thick = float(numpy.hypot(*along)), float(numpy.hypot(*(corners[3] - corners[0])))
        if length > 6 * thick:
            angles.append(math.atan2(along[1], along[0]))
            weights.append(length)
    if len(angles) < 3:
        return 0.0
    order = numpy.argsort(angles)
    half = numpy.cumsum(numpy.asarray(weights)[order])
    angle = float(numpy.asarray(angles)[order][int(numpy.searchsorted(half, half[-1] / 2))])
    return angle if _LEAST_SKEW < abs(angle) < _MOST_SKEW else 0.0


def _levelled(corners: Corners, middle: NDArray[numpy.float64], skew: float) -> Corners:
    if not skew:
        return corners
    cosine, sine = math.cos(skew), math.sin(skew)
    moved = corners - middle
    levelled = numpy.stack((moved[:, 0] * cosine + moved[:, 1] * sine, moved[:, 1] * cosine - moved[:, 0] * sine), 1)
    return levelled + middle


def ruling_lines(image: Pixels, skew: float, scale: float) -> list[Rule]:
    """The straight level and upright strokes of a page, in points of the levelled page."""
    # Imported here: OpenCV comes with recognition and costs a child that meets only digital files its memory.
    import cv2

    grey = image.min(axis=2)  # coloured rules and seals count as ink
    if skew:
        turn = cv2.getRotationMatrix2D((image.shape[1] / 2, image.shape[0] / 2), math.degrees(skew), 1.0)
        grey = cv2.warpAffine(grey, turn, (image.shape[1], image.shape[0]), borderValue=255)
    window = max(15, int(12 * scale)) | 1
    ink = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, window, 18)
    found = []
    for vertical, least in ((False, _LEVEL_STROKE), (True, _UPRIGHT_STROKE)):
        found.extend(_strokes(ink, vertical, least, scale))
    return found


def _strokes(ink: Mask, vertical: bool, least: float, scale: float) -> list[Rule]:
    import cv2

    length, bridge = max(8, int(least * scale)), max(3, int(2 * scale))
    long, short = ((1, length), (3, bridge)) if vertical else ((length, 1), (bridge, 3))
    # Grain breaks a rule, and what is left of a slant makes it jump by a pixel: both are bridged first.
    joined = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_RECT, short))
    kept = cv2.morphologyEx(joined, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_RECT, long))
    kept = cv2.dilate(kept, cv2.getStructuringElement(cv2.MORPH_RECT, (3, 1) if vertical else (1, 3)))
    _, _, boxes, _ = cv2.connectedComponentsWithStats(kept, connectivity=8)
    rules = []
    for x, y, width, height, _ in boxes[1:]:
        across, along, start = (width, height, y) if vertical else (height, width, x)
        if across <= _THICKEST * scale and along >= least * scale:
            at = ((x if vertical else y) + across / 2) / scale
            rules.append(
                Rule(vertical=vertical, at=float(at), start=float(start / scale), end=float((start + along) / scale))
            )
    return rules


def _around(lines: Sequence[TextLine]) -> Box | None:
    return union([line.box for line in lines]) if lines else None
