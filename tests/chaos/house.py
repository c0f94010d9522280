"""The processes of a running platform, each of which a test may kill, stop or starve."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import psutil

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.compute.engines import valkey
from liaoyuan.compute.engines.addresses import EngineAddresses, engine_addresses
from liaoyuan.pipeline.models import FINAL_STATES, StageRun, WorkerBeat
from tests.engines import ROOT, VAR
from workers.commands import worker_argv

# Short, so that many deaths fit into a minute; the sum that matters is checked on the real values in test_k1.
SECONDS = {"LEASE": 3.0, "HEARTBEAT": 0.5, "REAPER": 0.5, "RELAY": 0.2}
# The relay rings again after this many of its rounds.
LOST_DOORBELL = 15 * SECONDS["RELAY"]
START_SECONDS = 60.0
# Give signs of life under their own names.
ALWAYS = ("relay", "reaper")


class House:
    """Valkey of its own, relay, reaper, and any number of workers."""

    def __init__(self, database: str, *, var: Path = VAR) -> None:
        """``var``: whose PostgreSQL its processes use."""
        self.broker: EngineAddresses = engine_addresses(var / f"chaos-{os.getpid()}")
        self._database, self._var = database, var
        self._children: list[subprocess.Popen[bytes]] = []
        self._workers: set[str] = set()
        valkey.start(self.broker)

    def environment(self) -> dict[str, str]:
        settings = {f"LIAOYUAN_{name}_SECONDS": str(value) for name, value in SECONDS.items()}
        return (
            os.environ
            | settings
            | {
                "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}",
                "LIAOYUAN_TEST_DATABASE": self._database,
                "LIAOYUAN_TEST_VAR": str(self._var),
                "LIAOYUAN_REDIS_URL": self.broker.broker_url,
            }
        )

    def start(self, *words: str, **environment: str) -> subprocess.Popen[bytes]:
        """One process; what it says goes to a log in the broker's folder."""
        log = Path(self.broker.log) / f"{words[0]}-{len(self._children)}.log"
        with log.open("wb") as out:
            child = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.process", *words],
                cwd=ROOT,
                env=self.environment() | environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children.append(child)
        return child

    def worker(self, name: str, *queues: str, slots: int = 1, **environment: str) -> subprocess.Popen[bytes]:
        """A worker by the same command line as in production, from ``--pool`` on."""
        self._workers.add(name)
        argv = worker_argv(name, queues, slots)
        return self.start("worker", *argv[argv.index("worker") :], **environment)

    def kill(self, child: subprocess.Popen[bytes], sign: signal.Signals = signal.SIGKILL) -> None:
        """Send ``sign`` to a process and its children, the parent first, so that it cannot mend anything."""
        parent = psutil.Process(child.pid)
        family = [parent, *parent.children(recursive=True)]
        for process in family:
            process.send_signal(sign)

    def close(self) -> None:
        for child in self._children:
            if child.poll() is None:
                self.kill(child)
                child.wait()
        valkey.stop(self.broker)
        # Who was killed took leave of nobody: the next test would count on them as on the living.
        for name in (*self._workers, *ALWAYS):
            WorkerBeat.objects.filter(name__startswith=f"{name}@").delete()


def until(true: Callable[[], bool], *, seconds: float, what: str) -> float:
    """Wait until ``true()``; how long it took. AssertionError after ``seconds``."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, f"not after {seconds} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - began


def read(organization_id: UUID, run_id: UUID) -> StageRun:
    with tenant_context(organization_id):
        return StageRun.objects.get(id=run_id)


def ended(organization_id: UUID, run_id: UUID) -> bool:
    return read(organization_id, run_id).state in FINAL_STATES
