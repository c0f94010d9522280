"""Command lines of the processes beside the web, for the supervisor, Docker and tests. Imports nothing of Django."""

import sys
from collections.abc import Sequence
from typing import Final

# Training gets a worker of its own, so that a day-long run never keeps an import or an evaluation waiting.
WORKERS: Final[dict[str, tuple[tuple[str, ...], int]]] = {
    "worker-light": (("light", "ingest", "evaluate", "serve"), 2),
    "worker-train": (("train",), 1),
}


def worker_argv(name: str, queues: Sequence[str], concurrency: int) -> list[str]:
    """A Celery worker called ``name`` that serves ``queues`` with ``concurrency`` child processes."""
    options = ["--hostname", f"{name}@%h", "--queues", ",".join(queues), "--concurrency", str(concurrency)]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    return [
        *(sys.executable, "-m", "celery", "--app", "workers.app", "worker"),
        *("--pool", "prefork", "--loglevel", "WARNING", *options, *quiet),
    ]


def beat_argv() -> list[str]:
    """The schedule, kept in memory: its file form would be a pickle."""
    celery = [sys.executable, "-m", "celery", "--app", "workers.app", "beat"]
    return [*celery, "--loglevel", "WARNING", "--scheduler", "celery.beat:Scheduler", "--pidfile="]


def commands() -> dict[str, list[str]]:
    """Argument lists by process name. Run them at the root of the tree with ``PYTHONPATH=platform:.``."""
    workers = {name: worker_argv(name, queues, slots) for name, (queues, slots) in WORKERS.items()}
    single = {name: [sys.executable, "-m", f"workers.{name}"] for name in ("relay", "reaper")}
    return workers | single | {"beat": beat_argv()}
