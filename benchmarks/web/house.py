"""A platform of its own for the measurement: engines in a folder under var/, and one web process."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

ROOT = Path(__file__).resolve().parents[2]
VAR = Path(os.environ.get("LIAOYUAN_BENCH_VAR", ROOT / "var" / "bench-web"))
ENGINES = ["postgres", "valkey"]


@dataclass(frozen=True)
class Web:
    """The running server. ``cpu`` counts it alone, ``rss`` in MB."""

    port: int
    process: psutil.Process

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def rss(self) -> float:
        return float(self.process.memory_info().rss) / (1 << 20)


def prepare() -> None:
    """Point Django at the folder; must come before anything of it is imported."""
    os.environ |= {
        "LIAOYUAN_VAR": str(VAR),
        "DJANGO_SETTINGS_MODULE": "liaoyuan.config.settings",
        # Everything is asked from one address here.
        "LIAOYUAN_API_READS_PER_MINUTE": "0",
    }


@contextmanager
def engines() -> Iterator[None]:
    """PostgreSQL and Valkey with the newest tables; stopped at the end."""
    import django

    django.setup()
    from liaoyuan.compute.engines.addresses import engine_addresses
    from liaoyuan.compute.engines.manager import engines_down, engines_up
    from liaoyuan.config.database import migrate

    addresses = engine_addresses(VAR)
    engines_up(addresses, only=ENGINES)
    try:
        migrate()
        yield
    finally:
        engines_down(addresses, only=ENGINES)


@contextmanager
def web() -> Iterator[Web]:
    """The web process by the same command as in production, with one bare view more."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    argv = [sys.executable, "-m", "uvicorn", "benchmarks.web.bare:application", "--port", str(port)]
    child = subprocess.Popen(
        [*argv, "--log-level", "error", "--timeout-graceful-shutdown", "2"], cwd=ROOT, env=os.environ
    )
    try:
        _wait(port, child)
        yield Web(port, psutil.Process(child.pid))
    finally:
        child.terminate()
        child.wait(30)


def _wait(port: int, child: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 300
    while time.monotonic() < end and child.poll() is None:
        try:
            httpx.get(f"http://127.0.0.1:{port}/health/live", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError("the web process did not start")
