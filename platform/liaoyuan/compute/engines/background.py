"""Start one program unsupervised, wait for it, and end it: what PostgreSQL and Valkey do alike."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from liaoyuan.compute.engines.errors import EngineError, EngineNotReady
from liaoyuan.compute.engines.rotation import rotate_if_large

POLL_SECONDS = 0.05
TAIL_BYTES = 4096
# Begins the lines that a supervisor adds to the log of a process.
SUPERVISOR_MARK = "-- "


def spawn(argv: list[str], *, log: Path, environment: dict[str, str]) -> int:
    """Start ``argv`` in a session of its own, its output appended to ``log``; returns the pid."""
    rotate_if_large(log)
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    return os.posix_spawnp(argv[0], argv, environment, file_actions=actions, setsid=True)


def wait_ready(name: str, ready: Callable[[], bool], *, pid: int | None, log: Path, timeout: float) -> None:
    """Return once ``ready()``; raises EngineNotReady after ``timeout`` seconds, or once our child ``pid`` ended."""
    deadline = time.monotonic() + timeout
    while not ready():
        if pid is not None and _ended(pid):
            raise EngineNotReady(engine=name, seconds=int(timeout), detail=last_line(log), log=log)
        if time.monotonic() > deadline:
            raise EngineNotReady(engine=name, seconds=int(timeout), detail=last_line(log), log=log)
        time.sleep(POLL_SECONDS)


def end(name: str, pid: int, gone: Callable[[], bool], *, sign: signal.Signals, log: Path, timeout: float) -> None:
    """Send ``sign`` to ``pid`` and return once ``gone()``; raises EngineError after ``timeout`` seconds."""
    with suppress(ProcessLookupError):
        os.kill(pid, sign)
    deadline = time.monotonic() + timeout
    while not gone():
        if time.monotonic() > deadline:
            raise EngineError(engine=name, detail=f"pid {pid} did not stop in {timeout:.0f} s", log=log)
        _ended(pid)
        time.sleep(POLL_SECONDS)


def last_line(log: Path) -> str:
    """The last line that a process itself wrote to its log, for an error that says why."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            lines = file.read().decode(errors="replace").split("\n")
    except FileNotFoundError:
        return "it wrote no log"
    own = (line.strip() for line in reversed(lines) if not line.startswith(SUPERVISOR_MARK))
    return next((line for line in own if line), "it wrote nothing to its log")


def _ended(pid: int) -> bool:
    """Whether our child ``pid`` ended (and is reaped); False for someone else's process."""
    with suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    return False
