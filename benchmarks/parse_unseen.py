"""Parsing of documents that nobody tuned to: printed pages, scans of them, Office files, messages, books, text.

Run: ``PYTHONPATH=platform:. python -m benchmarks.parse_unseen [--group printed] [--name long_table] [--keep FOLDER]
[--verbose] [--json]``. The documents are made here, the same each time, so that all they say is known. Printed in
columns: character error rate (edits over the truth in its order), share of neighbours that stand astray, F1 of
headings (with the one above them), of list items and of table cells (beside their left neighbour), blocks without page
or box, and figures and formulas that were not kept. Needs Chromium for the printed pages.
"""

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.parse_unseen_office import OFFICE
from benchmarks.parse_unseen_pages import PAGES
from benchmarks.parse_unseen_print import CHROMIUM, printed
from benchmarks.parse_unseen_scans import SCANS, mixed, scanned
from benchmarks.parse_unseen_truth import Case, Score, f1, scored
from liaoyuan.knowledge.parse.pool import ParsePool


def made(folder: Path, groups: set[str], names: set[str]) -> list[Case]:
    """The wanted documents."""
    cases = [make(folder) for make in OFFICE] if not groups or groups - {"printed", "scanned"} else []
    if not groups or groups & {"printed", "scanned"}:
        cases += _pages(folder)
    return [case for case in cases if (not groups or case.group in groups) and (not names or case.name in names)]


def _pages(folder: Path) -> list[Case]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        digital = printed(browser, folder, PAGES)
        browser.close()
    by_name = {case.name: case for case in digital}
    pictures = [scanned(scan, by_name[scan.of], folder) for scan in SCANS]
    return [*digital, *pictures, mixed(by_name["booked"], pictures[3], folder)]


def measure(cases: Iterable[Case], verbose: bool) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """One row per document and one per group."""
    rows: list[dict[str, Any]] = []
    groups: dict[str, Score] = defaultdict(Score)
    counts: dict[str, int] = defaultdict(int)
    with ParsePool(workers=1) as pool:
        for case in cases:
            outcome = pool.submit(case.path).result()
            score = scored(case, outcome)
            groups[case.group].add(score)
            counts[case.group] += 1
            rows.append(_row(case.name, score) | {"group": case.group, "code": outcome.code})
            if verbose and outcome.document:
                for block in outcome.document.blocks:
                    print(f"    {block.type.value:9} {block.level or '':>2} p{block.page} {block.text!r:.150}")
            if verbose:
                print(_line(rows[-1]), file=sys.stderr)
    sums = [_row(name, score) | {"files": counts[name]} for name, score in groups.items()]
    return rows, sums


def _row(name: str, score: Score) -> dict[str, Any]:
    def rounded(value: float | None) -> float | None:
        return None if value is None else round(value, 4)

    return {
        "name": name,
        "cer": round(score.error_rate, 5),
        "astray": round(score.astray / max(1, score.steps), 4),
        "headings": rounded(f1(score.headings)),
        "lists": rounded(f1(score.lists)),
        "cells": rounded(f1(score.cells)),
        "placeless": score.placeless,
        "regions_missed": score.missed,
        "regions": score.regions,
    }


def _line(row: dict[str, Any]) -> str:
    shares = (f"{'—':>8}" if row[name] is None else f"{row[name]:8.1%}" for name in ("headings", "lists", "cells"))
    figures = f"{row['cer']:8.2%} {row['astray']:8.1%} {' '.join(shares)} {row['placeless']:5} "
    return f"{row['name']:18} {figures}{row['regions_missed']:3}/{row['regions']} {row.get('code') or ''}"


def main() -> None:
    """Prints the tables; exits 2 where there is no Chromium."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--group", action="append", default=[], help="only this group; may be repeated")
    parser.add_argument("--name", action="append", default=[], help="only this document; may be repeated")
    parser.add_argument("--keep", type=Path, help="leave the documents in this folder")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not CHROMIUM.is_file():
        print(f"{CHROMIUM} is not installed (apt-get install chromium)", file=sys.stderr)
        sys.exit(2)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        rows, sums = measure(made(folder, set(options.group), set(options.name)), options.verbose)
    if options.json:
        print(json.dumps({"documents": rows, "groups": sums}))
        return
    print(f"{'':18} {'CER':>8} {'astray':>8} {'headings':>8} {'lists':>8} {'cells':>8} {'place':>5} regions missed")
    for row in (*rows, {}, *sums):
        print(_line(row) if row else "")


if __name__ == "__main__":
    main()
