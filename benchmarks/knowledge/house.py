"""An installation of the benchmark's own under var/, its caches, and the other store's environment."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
VAR = Path(os.environ.get("LIAOYUAN_BENCH_VAR", ROOT / "var" / "bench-knowledge"))
CACHE = VAR / "vectors"
_PINNED = ROOT / "requirements" / "bench.txt"


def prepare() -> None:
    """Point Django at the folder; must come before anything of it is imported."""
    os.environ |= {"LIAOYUAN_VAR": str(VAR), "DJANGO_SETTINGS_MODULE": "liaoyuan.config.settings"}


@contextmanager
def engines(only: tuple[str, ...] = ("postgres",)) -> Iterator[Any]:
    """The engines with the newest tables, as addresses; those that did not run before are stopped at the end."""
    import django

    django.setup()
    from liaoyuan.compute.engines.addresses import engine_addresses
    from liaoyuan.compute.engines.manager import engines_down, engines_up
    from liaoyuan.config.database import migrate

    addresses = engine_addresses(VAR)
    engines_up(addresses, only=list(only))
    try:
        migrate()
        yield addresses
    finally:
        engines_down(addresses, only=list(only))


def environment() -> Path:
    """The Python of an environment that holds ``requirements/bench.txt``, made on first need and when that changes."""
    digest = hashlib.sha256(_PINNED.read_bytes()).hexdigest()[:12]
    folder = VAR / f"peer-{digest}"
    python = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        print(f"making the other store's environment in {folder} (once)…", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "-q", "install", "--no-deps"]
        subprocess.run([*pip, "--require-hashes", "-r", str(_PINNED)], check=True)
        (folder / ".ready").touch()
    return python
