"""How well tables are read: F1 over cells, per format, against expected Markdown beside the files.

Run: ``PYTHONPATH=platform python benchmarks/parse_tables.py [FOLDER] [--json]``. FOLDER holds ``KIND/sources`` and
``KIND/groundtruth/NAME.md`` (default: ``../shared/data/docs_docling``). A cell counts as found where its text (NFKC,
without blanks and list marks) stands beside the same left neighbour as in the truth, so that a table cut into wrong
columns scores low although its words are all there. Empty cells and files without any table in the truth are left out.
"""

import argparse
import html
import json
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from liaoyuan.knowledge.parse.pool import ParsePool
from liaoyuan.knowledge.parse.sandbox import ParseOutcome

DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "data" / "docs_docling"
KINDS = ("pdf", "docx", "xlsx", "xls", "pptx", "ppt", "html", "md", "odf", "doc")
AIM = 0.9
_RULE = re.compile(r"^\|?[\s:|-]+\|?$")
# How a list, a tick or a day inside of a cell is written is Markdown's own affair.
_LISTED = re.compile(r"(?:^|(?<=\s))(?:[-•‣]|#{1,6}|\d{1,2}\.|\[[ x]\]|[☐☒☑✓])\s+|\[[ x]\]|[☐☒☑●]")
_MARKS = re.compile(r"[*_`~\\]|<!--.*?-->|!?\[([^\]]*)\]\([^)]*\)")
Cells = Counter[tuple[str, str]]


def normal(text: str) -> str:
    """NFKC without blanks, entities and Markdown's marks."""
    text = _LISTED.sub("", text.replace("\u2010", "-").replace(" 00:00:00", "").replace("<br>", " "))
    plain = _MARKS.sub(lambda match: match.group(1) or "", html.unescape(html.unescape(text)))
    return "".join(unicodedata.normalize("NFKC", plain).split())


def pairs(rows: Iterable[Sequence[str]], fold: Callable[[str], str] = normal) -> Cells:
    """Each cell, folded, with its left neighbour; a cell merged across counts once."""
    found: Cells = Counter()
    for row in rows:
        left = ""
        for cell in map(fold, row):
            if cell and cell != left:
                found[(left, cell)] += 1
            left = cell or left
    return found


def truth_cells(markdown: str) -> Cells:
    """The cells of every pipe table."""
    found: Cells = Counter()
    for line in markdown.splitlines():
        stripped = line.strip()
        if stripped.startswith("|") and stripped.endswith("|") and not _RULE.match(stripped):
            found += pairs([re.split(r"(?<!\\)\|", stripped[1:-1])])
    return found


def read_cells(outcome: ParseOutcome) -> Cells:
    """The cells of every table block."""
    found: Cells = Counter()
    for block in outcome.document.blocks if outcome.document else ():
        found += pairs(block.table or [])
    return found


def score(truth: Cells, read: Cells) -> tuple[float, float, float]:
    """Precision, recall and F1."""
    right = sum((truth & read).values())
    precision, recall = right / max(1, sum(read.values())), right / max(1, sum(truth.values()))
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


def measure(folder: Path, kinds: Sequence[str] = KINDS) -> list[dict[str, Any]]:
    """One row per file that has a table in its truth."""
    rows = []
    with ParsePool(workers=1) as pool:
        for kind in kinds:
            for path in sorted((folder / kind / "sources").rglob("*")):
                expected = _expected(folder / kind / "groundtruth", path)
                cells = truth_cells(expected.read_text()) if expected else Counter()
                if not cells:
                    continue
                outcome = pool.submit(path).result()
                precision, recall, f1 = score(cells, read_cells(outcome))
                rows.append(
                    {
                        "kind": kind,
                        "file": path.name,
                        "cells": sum(cells.values()),
                        "precision": round(precision, 4),
                        "recall": round(recall, 4),
                        "f1": round(f1, 4),
                        "code": outcome.code,
                    }
                )
    return rows


def _expected(folder: Path, path: Path) -> Path | None:
    return next((one for one in (folder / f"{path.name}.md", folder / f"{path.stem}.md") if one.is_file()), None)


def main() -> None:
    """Prints the table; exits 1 where the mean F1 misses the aim, 2 where the data is absent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--kind", action="append", help="only this kind of file; may be repeated")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not options.folder.is_dir():
        print(f"no folder {options.folder}", file=sys.stderr)
        sys.exit(2)
    rows = measure(options.folder, options.kind or KINDS)
    mean = sum(row["f1"] for row in rows) / max(1, len(rows))
    if options.json:
        print(json.dumps({"rows": rows, "f1": mean, "aim": AIM}))
    else:
        for row in rows:
            print(f"{row['f1']:6.1%}  p {row['precision']:6.1%} r {row['recall']:6.1%} {row['cells']:5}  {row['file']}")
        print(f"mean F1 {mean:.1%} over {len(rows)} files (aim {AIM:.0%})")
    sys.exit(mean < AIM)


if __name__ == "__main__":
    main()
