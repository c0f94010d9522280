"""Text in pixels: RapidOCR with the weights that its wheel carries, loaded once per child and only when needed."""

from functools import lru_cache
from typing import Any

import numpy
from numpy.typing import NDArray

from liaoyuan.knowledge.parse.runs import Run

# The engine looks at no more than this many pixels on a side; larger pictures are scaled down first.
LONGEST_SIDE = 2000
_FINDING_SIDE = 1440
_LEAST_SCORE = 0.5
# Lines that are asked which way up they stand.
_ASKED = 9
Pixels = NDArray[numpy.uint8]
# The four corners of a line from its upper left, and of each of its words, in pixels.
Corners = NDArray[numpy.float64]


@lru_cache(maxsize=1)
def _engine(threads: int) -> Any:
    # Imported here: ONNX Runtime costs 0.3 s and 100 MB that a child which meets only digital files should not pay.
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.max_side_len": LONGEST_SIDE,
            # Lines are found on a smaller copy and read from the full picture: half the time, the same text.
            "Det.limit_type": "max",
            "Det.limit_side_len": _FINDING_SIDE,
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def found_lines(image: Pixels, *, threads: int) -> list[tuple[str, Corners, list[tuple[str, Corners]]]]:
    """Lines of text in an image (height, width, 3; BGR): words, corners, and the corners of each word."""
    # The engine keeps the switches of its last call.
    found = _engine(threads)(image, use_det=True, use_cls=True, use_rec=True, return_word_box=True)
    if found.boxes is None or found.txts is None:
        return []
    words = found.word_results if len(found.word_results) == len(found.txts) else ((),) * len(found.txts)
    lines = []
    for corners, text, score, parts in zip(found.boxes, found.txts, found.scores, words, strict=True):
        if text.strip() and score >= _LEAST_SCORE:
            placed = [(word, numpy.asarray(box, dtype=float)) for word, _, box in parts if box is not None]
            lines.append((text.strip(), numpy.asarray(corners, dtype=float), placed))
    return lines


def upside_down(image: Pixels, boxes: list[Corners], *, threads: int) -> bool:
    """Whether most of the longest lines stand on their head."""
    crops = []
    for corners in sorted(boxes, key=lambda box: -(box[:, 0].max() - box[:, 0].min()))[:_ASKED]:
        (left, top), (right, bottom) = corners.min(axis=0).astype(int), corners.max(axis=0).astype(int)
        crop = image[max(0, top) : bottom, max(0, left) : right]
        if crop.shape[0] >= 8 and crop.shape[1] >= 2 * crop.shape[0]:
            crops.append(numpy.ascontiguousarray(crop))
    answers = [_engine(threads)(crop, use_det=False, use_cls=True, use_rec=False).cls_res for crop in crops]
    turned = sum(answer[0][0] == "180" and answer[0][1] > 0.8 for answer in answers if answer)
    return len(crops) >= 3 and turned > 0.6 * len(crops)


def line_run(text: str, corners: Corners, words: list[tuple[str, Corners]], scale: float) -> Run:
    """One line as a run in points; ``scale`` = pixels a point."""
    points = corners / scale
    x0, x1 = float(points[:, 0].min()), float(points[:, 0].max())
    # The means of the upper and of the lower corners give the line's height even where the scan is a little turned.
    y0, y1 = float(points[:2, 1].mean()), float(points[2:, 1].mean())
    if y1 <= y0:
        y0, y1 = float(points[:, 1].min()), float(points[:, 1].max())
    chars = _characters(text, words, scale)
    return Run(text, x0, y0, x1, y1, size=max(0.1, (y1 - y0) * 0.8), chars=chars)


def _characters(text: str, words: list[tuple[str, Corners]], scale: float) -> list[tuple[str, float, float]]:
    """Each character between the edges of its word; empty where the words are not those of the line."""
    chars: list[tuple[str, float, float]] = []
    for word, box in words:
        left, right = float(box[:, 0].min()) / scale, float(box[:, 0].max()) / scale
        step = (right - left) / max(1, len(word))
        if chars and not word.isspace() and left - chars[-1][2] > 1.5 * step > 0 and word.isascii():
            chars.append((" ", chars[-1][2], left))
        chars.extend((each, left + step * at, left + step * (at + 1)) for at, each in enumerate(word))
    same = "".join(each for each, _, _ in chars if not each.isspace()) == "".join(text.split())
    return chars if same else []
