"""What a supervisor that was killed left behind, found and ended by the next one: no orphan keeps a port or a lock."""

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from liaoyuan.compute.engines import postgres, valkey
from liaoyuan.compute.engines.addresses import EngineAddresses
from liaoyuan.compute.engines.locks import json_read, lock_held
from liaoyuan.compute.engines.process import MARK

PATIENCE_SECONDS = 15.0


def leftovers_end(addresses: EngineAddresses, names: Iterable[str]) -> list[str]:
    """End what still runs of ``names`` and of the engines although no supervisor keeps it; the names that did.

    A child gets its stop signal when its supervisor dies, but may take its time (a worker ends its run first), may not
    get it (PostgreSQL changes its user), and its own children get none.
    """
    found = [name for name in names if _end(addresses.run, name)]
    for name, engine in (("postgres", postgres), ("valkey", valkey)):
        # Not kept by anybody: also what a test or a script started by itself in this folder.
        if not lock_held(addresses.run / f"{name}.lock") and engine.stop(addresses):
            found.append(name)
    return found


def _end(run: Path, name: str) -> bool:
    if lock_held(run / f"{name}.lock"):
        return False
    left = _session(run, name)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(left, timeout=PATIENCE_SECONDS)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=PATIENCE_SECONDS)
    return bool(left)


def _session(run: Path, name: str) -> list[psutil.Process]:
    """The processes of the session that ``name`` was started in. The mark tells them from a pid that was reused."""
    leader = json_read(run / f"{name}.json").get("pid")
    if not isinstance(leader, int):
        return []
    return [each for each in psutil.process_iter() if _belongs(each, leader, f"{run}:{name}")]


def _belongs(process: psutil.Process, leader: int, mark: str) -> bool:
    with suppress(psutil.Error, OSError):
        return os.getsid(process.pid) == leader and process.environ().get(MARK) == mark
    return False
