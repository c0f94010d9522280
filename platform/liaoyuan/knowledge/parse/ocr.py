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


def recognise(image: NDArray[numpy.uint8], *, scale: float, threads: int) -> list[Run]:
    """Lines of text in an image (height, width, 3; BGR). ``scale`` = pixels per point of the boxes returned."""
    found = _engine(threads)(image)
    if found.boxes is None or found.txts is None:
        return []
    runs = []
    for corners, text, score in zip(found.boxes, found.txts, found.scores, strict=True):
        if text.strip() and score >= _LEAST_SCORE:
            runs.append(_run(corners, text.strip(), scale))
    return runs


def _run(corners: NDArray[numpy.float32], text: str, scale: float) -> Run:
    points = corners / scale
    x0, x1 = float(points[:, 0].min()), float(points[:, 0].max())
    # The means of the upper and of the lower corners give the line's height even where the scan is a little turned.
    y0, y1 = float(points[:2, 1].mean()), float(points[2:, 1].mean())
    if y1 <= y0:
        y0, y1 = float(points[:, 1].min()), float(points[:, 1].max())
    return Run(text, x0, y0, x1, y1, size=max(0.1, (y1 - y0) * 0.8))
