"""``make bench``: every measurement in turn, each in a process of its own, a failure of one not hiding the others.

``python -m benchmarks NAME…`` runs those alone. A measurement that needs ../shared/data says so and is left out.
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


def names() -> list[str]:
    """The measurements in this folder."""
    folders = [path.parent for path in HERE.glob("*/__main__.py")]
    return sorted(path.stem for path in [*HERE.glob("[a-z]*.py"), *folders])


def main(wanted: list[str]) -> int:
    unknown = set(wanted) - set(names())
    if unknown:
        print(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(names())}", file=sys.stderr)
        return 2
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}"}
    failed = []
    for name in wanted or names():
        print(f"\n== {name} ==", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
            failed.append(name)
    print(f"\n{len(failed)} of {len(wanted or names())} failed{': ' + ', '.join(failed) if failed else ''}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
