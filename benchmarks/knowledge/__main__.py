"""``make bench-knowledge``: (a) search, (b) ingestion, (c) embedding; ours beside what a team would use instead.

``python -m benchmarks.knowledge --part search --sizes 1000,10000 --json FILE``. A part is a module of this folder with
``measure(**options) -> dict`` that prints as it goes; each runs in a process of its own.
"""

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PARTS = ("search", "ingest", "embed")
HERE = Path(__file__).resolve().parent


def main(argv: list[str]) -> int:
    words = argparse.ArgumentParser(prog="python -m benchmarks.knowledge", description=__doc__)
    words.add_argument("--part", choices=PARTS, help="one part alone, in this process")
    words.add_argument("--sizes", default="1000,10000,100000", help="chunks, for search")
    words.add_argument("--asked", type=int, default=200, help="questions, for search")
    words.add_argument("--json", type=Path, help="write the numbers there as well")
    given = words.parse_args(argv)
    options = {"sizes": [int(size) for size in given.sizes.split(",")], "asked": given.asked}
    if given.part:
        found = {given.part: importlib.import_module(f"benchmarks.knowledge.{given.part}").measure(**options)}
        failed: list[str] = []
    else:
        found, failed = _all(given)
    if given.json:
        given.json.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    return 1 if failed else 0


def _all(given: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    """Each part that is there, a failure of one not hiding the others."""
    found: dict[str, Any] = {}
    failed = []
    for part in PARTS:
        if not (HERE / f"{part}.py").exists():
            continue
        print(f"\n== {part} ==", flush=True)
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            command = [sys.executable, "-m", "benchmarks.knowledge", "--part", part, "--json", file.name]
            command += ["--sizes", given.sizes, "--asked", str(given.asked)]
            if subprocess.run(command, check=False).returncode:
                failed.append(part)
                continue
            found |= json.loads(Path(file.name).read_text(encoding="utf-8"))
    return found, failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
