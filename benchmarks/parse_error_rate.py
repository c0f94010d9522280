"""Character error rate and speed of parsing, per format, against files whose exact text is known.

Run: ``PYTHONPATH=platform python benchmarks/parse_error_rate.py [FOLDER] [--json]``. FOLDER holds ``manifest.json``,
``files/`` and ``truth/`` (default: ``../shared/data/enterprise_docs_zh``). The rate is the edit distance over the
length of the truth, both in NFKC and without blanks. Speaker notes are left out: a deck's truth is what its slides
show.
"""

import argparse
import json
import sys
import time
import unicodedata
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy

from liaoyuan.knowledge.parse.pool import ParsePool
from liaoyuan.knowledge.parse.sandbox import ParseOutcome

DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "data" / "enterprise_docs_zh"
AIMS = {"pdf_2col": 0.02, "scan_jpg": 0.08, "scan_pdf": 0.08}
USUAL_AIM = 0.01
DIGITAL_AIM = 40.0


def normal(text: str) -> str:
    """NFKC without any blank."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def distance(one: str, other: str) -> int:
    """Levenshtein distance, one row at a time; insertions by a running minimum."""
    target = numpy.frombuffer(other.encode("utf-32-le"), dtype=numpy.uint32)
    steps = numpy.arange(len(other) + 1)
    row = steps.copy()
    for index, character in enumerate(one, start=1):
        best = numpy.minimum(row[:-1] + (target != ord(character)), row[1:] + 1)
        row = numpy.minimum.accumulate(numpy.concatenate(([index], best)) - steps) + steps
    return int(row[-1])


def text_of(outcome: ParseOutcome) -> str:
    """What a reader of the file sees, in order."""
    if outcome.document is None:
        return ""
    return "\n".join(block.text for block in outcome.document.blocks if not block.locator.endswith(" notes"))


def measure(folder: Path) -> list[dict[str, Any]]:
    """One row per format: files, error rate, pages a second of one warm child, peak memory."""
    manifest = json.loads((folder / "manifest.json").read_text())
    totals: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for entry in manifest:
        path = folder / "files" / entry["file"]
        with ParsePool(workers=1) as pool:
            pool.submit(path).result()  # warm: libraries and models are loaded by the first file of a kind
            outcome = pool.submit(path).result()
        truth = normal((folder / entry["truth"]).read_text())
        row = totals[entry["format"]]
        row["files"] += 1
        row["edits"] += distance(truth, normal(text_of(outcome)))
        row["characters"] += len(truth)
        row["pages"] += max(1, len(outcome.document.pages)) if outcome.document else 0
        row["seconds"] += outcome.seconds
        row["peak"] = max(row["peak"], outcome.peak_memory_mb)
    return [
        {
            "format": kind,
            "files": int(row["files"]),
            "cer": round(row["edits"] / row["characters"], 5),
            "aim": AIMS.get(kind, USUAL_AIM),
            "pages_per_second": round(row["pages"] / row["seconds"], 2),
            "peak_memory_mb": row["peak"],
        }
        for kind, row in totals.items()
    ]


def throughput(folder: Path, pages: int = 400) -> dict[str, float]:
    """Digital PDF pages a second through a pool of one warm child a core, and the largest child's peak memory."""
    manifest = json.loads((folder / "manifest.json").read_text())
    paths = [folder / "files" / entry["file"] for entry in manifest if entry["format"] in {"pdf_text", "pdf_2col"}]
    with ParsePool() as pool:
        warm = list(pool.map((path, path.name) for path in paths * 2))
        each = sum(len(outcome.document.pages) for outcome in warm if outcome.document) / 2
        chosen = paths * max(1, round(pages / each))
        began = time.perf_counter()
        outcomes = list(pool.map((path, path.name) for path in chosen))
        seconds = time.perf_counter() - began
    read = sum(len(outcome.document.pages) for outcome in outcomes if outcome.document)
    return {
        "pages": read,
        "workers": pool.workers,
        "pages_per_second": round(read / seconds, 1),
        "peak_memory_mb": max(outcome.peak_memory_mb for outcome in outcomes),
        "aim": DIGITAL_AIM,
    }


def main() -> None:
    """Prints the table; exits 1 where an aim is missed, 2 where the data is absent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not (options.folder / "manifest.json").is_file():
        print(f"no manifest.json in {options.folder}", file=sys.stderr)
        sys.exit(2)
    rows, fast = measure(options.folder), throughput(options.folder)
    if options.json:
        print(json.dumps({"formats": rows, "digital": fast}))
    else:
        print(f"{'format':10} {'files':>5} {'CER':>8} {'aim':>6} {'pages/s':>8} {'peak MB':>8}")
        for row in rows:
            figures = f"{row['cer']:8.3%} {row['aim']:6.0%} {row['pages_per_second']:8.2f} {row['peak_memory_mb']:8.0f}"
            print(f"{row['format']:10} {row['files']:5} {figures}")
        print("digital: " + ", ".join(f"{name} {value:g}" for name, value in fast.items()))
    sys.exit(any(row["cer"] > row["aim"] for row in rows))


if __name__ == "__main__":
    main()
