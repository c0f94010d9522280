"""One ``make up`` for each var folder: who holds it, and where it is reached."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from liaoyuan.compute.engines.addresses import EngineAddresses
from liaoyuan.compute.engines.locks import folder_private, json_read, json_write, lock_held, lock_try

POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Running:
    """The ``make up`` that runs: its pid and the portal's address."""

    pid: int
    url: str


def up_claim(addresses: EngineAddresses, url: str) -> bool:
    """Make this process the one ``make up`` of the folder, for its life. False when another one is."""
    folder_private(addresses.run)
    # Never closed: the kernel frees it when we end, however we end.
    if lock_try(_lock(addresses)) is None:
        return False
    json_write(_file(addresses), {"pid": os.getpid(), "url": url})
    return True


def up_found(addresses: EngineAddresses) -> Running | None:
    """The ``make up`` that runs in this folder, or None."""
    if not lock_held(_lock(addresses)):
        return None
    found = json_read(_file(addresses))
    return Running(int(found.get("pid", 0)), str(found.get("url", "")))


def up_stop(addresses: EngineAddresses, *, timeout: float = 90.0) -> bool:
    """Ask the ``make up`` of this folder to end and wait for it. False when there was none, or it did not end."""
    found = up_found(addresses)
    if found is None or not found.pid:
        return False
    with suppress(ProcessLookupError):
        os.kill(found.pid, signal.SIGTERM)
    deadline = time.monotonic() + timeout
    while lock_held(_lock(addresses)) and psutil.pid_exists(found.pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _lock(addresses: EngineAddresses) -> Path:
    return addresses.run / "up.lock"


def _file(addresses: EngineAddresses) -> Path:
    return addresses.run / "up.json"
