"""Supervisors in the background: start one, ask what it keeps, end it."""

import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

import liaoyuan
from liaoyuan.compute.engines.background import last_line, spawn
from liaoyuan.compute.engines.errors import EngineError, EngineNotReady
from liaoyuan.compute.engines.locks import folder_private, json_read, json_write, lock_held
from liaoyuan.compute.engines.process import State
from liaoyuan.compute.engines.specs import ProcessSpec

POLL_SECONDS = 0.05
# Deaths before it was ever ready, after which waiting for it is given up.
HOPELESS_RESTARTS = 3


@dataclass(frozen=True)
class Supervised:
    """What the supervisor of one process name last published."""

    name: str
    state: State
    pid: int | None
    supervisor: int | None
    restarts: int
    detail: str

    @property
    def ready(self) -> bool:
        return self.state is State.READY


def python_environment() -> dict[str, str]:
    """The caller's environment with this source tree on the path, for a child that runs one of our modules."""
    source = str(Path(liaoyuan.__file__).resolve().parents[1])
    rest = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part and part != source]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([source, *rest])}


def start_detached(specs: list[ProcessSpec], *, run: Path, log: Path) -> int:
    """Start a supervisor of ``specs`` in the background; returns its pid. Use :func:`wait_ready` to wait for it."""
    folder_private(run)
    folder_private(log)
    order = run / f"{specs[0].name}.specs.json"
    json_write(order, {"specs": [spec.as_dict() for spec in specs], "run": str(run), "log": str(log)})
    argv = [sys.executable, "-m", "liaoyuan.compute.engines.supervisor", str(order)]
    return spawn(argv, log=log / "supervisor.log", environment=python_environment())


def status(name: str, *, run: Path) -> Supervised:
    """State of ``name``; STOPPED when no supervisor lives, whatever the state file says."""
    found = json_read(run / f"{name}.json")
    if not found or not lock_held(run / f"{name}.lock"):
        return Supervised(name, State.STOPPED, None, None, 0, "not running")
    return Supervised(
        name, State(found["state"]), found["pid"], found["supervisor"], found["restarts"], str(found["detail"])
    )


def wait_ready(name: str, *, run: Path, log: Path, supervisor: int | None = None, timeout: float) -> Supervised:
    """Return when ``name`` is ready. Raises EngineNotReady after ``timeout`` seconds, or sooner when it is hopeless."""
    deadline = time.monotonic() + timeout
    first = status(name, run=run).restarts
    while not (found := status(name, run=run)).ready:
        ended = supervisor is not None and _ended(supervisor)
        hopeless = found.restarts - first >= HOPELESS_RESTARTS
        if ended or hopeless or time.monotonic() > deadline:
            file = log / f"{name}.log"
            raise EngineNotReady(engine=name, seconds=int(timeout), detail=_reason(file, found), log=file)
        time.sleep(POLL_SECONDS)
    return found


def stop(names: list[str], *, run: Path, log: Path, timeout: float = 60.0) -> list[str]:
    """End the supervisors of ``names`` (and with them all they keep); returns the names that were running."""
    running = [found for name in names if (found := status(name, run=run)).supervisor is not None]
    for supervisor in {found.supervisor for found in running if found.supervisor is not None}:
        with suppress(ProcessLookupError):
            os.kill(supervisor, signal.SIGTERM)
    deadline = time.monotonic() + timeout
    for found in running:
        while lock_held(run / f"{found.name}.lock") or not _ended(found.supervisor or 0):
            if time.monotonic() > deadline:
                detail = f"its supervisor (pid {found.supervisor}) did not stop in {timeout:.0f} s"
                raise EngineError(engine=found.name, detail=detail, log=log / f"{found.name}.log")
            time.sleep(POLL_SECONDS)
    return [found.name for found in running]


def _reason(file: Path, found: Supervised) -> str:
    return found.detail if found.state is State.BACKOFF and not file.exists() else last_line(file)


def _ended(pid: int) -> bool:
    """Whether ``pid`` is gone or a zombie that its parent has not reaped; a child of ours is reaped."""
    with suppress(ChildProcessError):
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return True
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
