"""Processes die, stop and wake; every run ends once (K1, K2, K5, K7, K8 of the reliability list)."""

import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest

from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.config.environment import Environment
from liaoyuan.pipeline.models import Artifact, StageEvent, WorkerBeat
from liaoyuan.pipeline.services import stage_run_cancel
from liaoyuan.pipeline.storage import storage
from tests.chaos.house import LOST_DOORBELL, SECONDS, START_SECONDS, House, ended, read, until

pytestmark = pytest.mark.chaos
Start = Callable[..., UUID]
# One attempt of work, the relay's round, and two busy cores.
SLACK = 20.0


class Pair:
    """Two workers on one queue: while one is dead, the other finds what it left. The dead one is replaced."""

    def __init__(self, house: House, *queues: str) -> None:
        self._house, self._queues = house, queues
        self._names: dict[int, str] = {}
        self.workers = [self._new(), self._new()]

    def _new(self) -> subprocess.Popen[bytes]:
        name = f"pair{len(self._names)}"
        child = self._house.worker(name, *self._queues)
        self._names[child.pid] = name
        return child

    def both_live(self) -> bool:
        """Whether both have given a sign of life, so that there is one to take over."""
        assert all(child.poll() is None for child in self.workers), "a worker did not start, see its log"
        living = {name.split("@")[0] for name in WorkerBeat.objects.values_list("name", flat=True)}
        return {self._names[child.pid] for child in self.workers} <= living

    def owner(self, worker: str) -> subprocess.Popen[bytes]:
        """The worker whose child runs under the name ``host:pid``."""
        parents = [process.pid for process in psutil.Process(int(worker.rsplit(":", 1)[1])).parents()]
        return next(child for child in self.workers if child.pid in parents)

    def kill(self, victim: subprocess.Popen[bytes]) -> None:
        self._house.kill(victim)
        victim.wait()
        self.workers = [child for child in self.workers if child is not victim] + [self._new()]

    def close(self) -> None:
        for child in self.workers:
            self._house.kill(child)
            child.wait()


@pytest.fixture(scope="module")
def pair(house: House) -> Iterator[Pair]:
    found = Pair(house, "evaluate")
    yield found
    found.close()


def exactly_one_effect(organization_id: UUID, run_id: UUID) -> None:
    run = read(organization_id, run_id)
    assert run.state == "succeeded", run.error
    with tenant_context(organization_id):
        artifact = Artifact.objects.get(run_id=run_id)
        assert StageEvent.objects.filter(run_id=run_id, kind="succeeded").count() == 1
    stored = list(storage().list(f"{organization_id}/runs/{run_id}"))
    assert stored == [artifact.uri]
    assert storage().open_path(artifact.uri).read_text(encoding="utf-8") == f"{run_id} {run.fence}"


def test_k1_the_promised_recovery_is_within_75_seconds() -> None:
    fields = Environment.model_fields
    assert fields["lease_seconds"].default + fields["reaper_seconds"].default <= 75.0
    assert fields["heartbeat_seconds"].default * 3 <= fields["lease_seconds"].default


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_k1_a_killed_worker_leaves_one_effect(seed: int, pair: Pair, organization: Any, start: Start) -> None:
    until(pair.both_live, seconds=START_SECONDS, what="both workers live")
    moment = random.Random(seed).uniform(0.0, 0.6)
    run_id = start("work", seconds=0.4)
    until(lambda: bool(read(organization.id, run_id).worker), seconds=START_SECONDS, what="a worker claims the run")
    time.sleep(moment)
    pair.kill(pair.owner(read(organization.id, run_id).worker))
    bound = SECONDS["LEASE"] + SECONDS["REAPER"] + LOST_DOORBELL + SLACK
    until(lambda: ended(organization.id, run_id), seconds=bound, what="the other worker ends the run")
    exactly_one_effect(organization.id, run_id)


def test_k2_a_stopped_worker_that_wakes_up_is_fenced(
    pair: Pair, house: House, organization: Any, start: Start, tmp_path: Path
) -> None:
    until(pair.both_live, seconds=START_SECONDS, what="both workers live")
    mark = tmp_path / "mark"
    run_id = start("work_deaf", seconds=1.0, mark=str(mark))
    until(lambda: bool(read(organization.id, run_id).worker), seconds=START_SECONDS, what="a worker claims the run")
    sleeper = pair.owner(read(organization.id, run_id).worker)
    house.kill(sleeper, signal.SIGSTOP)
    bound = SECONDS["LEASE"] + SECONDS["REAPER"] + LOST_DOORBELL + SLACK
    until(lambda: ended(organization.id, run_id), seconds=bound, what="the other worker ends the run")
    assert mark.read_text(encoding="utf-8") == "2"
    house.kill(sleeper, signal.SIGCONT)
    until(lambda: mark.read_text(encoding="utf-8") == "1", seconds=START_SECONDS, what="the sleeper wakes and goes on")
    left = Path(str(storage().open_path(str(organization.id)))) / "runs" / str(run_id) / "attempt-1"
    until(lambda: not left.exists(), seconds=START_SECONDS, what="the sleeper removes its output")
    assert read(organization.id, run_id).fence == 2
    exactly_one_effect(organization.id, run_id)


def test_k7_a_task_that_segfaults_is_dead_after_three(pair: Pair, organization: Any, start: Start) -> None:
    poison = start("segfault")
    others = [start("work", seconds=0.2) for _ in range(5)]
    bound = START_SECONDS + 3 * (SECONDS["LEASE"] + SECONDS["REAPER"] + SLACK)
    until(lambda: ended(organization.id, poison), seconds=bound, what="the poison is given up")
    run = read(organization.id, poison)
    assert (run.state, run.attempt, run.error["code"]) == ("dead", 3, "worker_lost")
    until(lambda: all(ended(organization.id, other) for other in others), seconds=START_SECONDS, what="the others end")
    assert {read(organization.id, other).state for other in others} == {"succeeded"}


def test_k10_a_worker_that_is_asked_to_stop_ends_its_work_first(house: House, organization: Any, start: Start) -> None:
    worker = house.worker("leaving", "serve", "train")
    run_id = start("work", stage="training", seconds=2)
    until(lambda: read(organization.id, run_id).state == "running", seconds=START_SECONDS, what="it runs")
    assert WorkerBeat.objects.filter(name__startswith="leaving@").exists()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=30) == 0
    run = read(organization.id, run_id)
    assert (run.state, run.attempt) == ("succeeded", 1)
    assert not WorkerBeat.objects.filter(name__startswith="leaving@").exists()


def test_k8_a_cancelled_run_stops_within_fifteen_seconds(
    pair: Pair, organization: Any, owner: Any, start: Start
) -> None:
    principal = Principal(user_id=owner.user_id, organization_id=organization.id, role="owner")
    run_id = start("work", seconds=60)
    until(lambda: read(organization.id, run_id).state == "running", seconds=START_SECONDS, what="it runs")
    with tenant_context(organization.id, owner.user_id):
        assert stage_run_cancel(principal=principal, run_id=run_id) == "cancelling"
    until(lambda: ended(organization.id, run_id), seconds=15, what="it stops")
    assert read(organization.id, run_id).state == "cancelled"
    with tenant_context(organization.id):
        assert not Artifact.objects.filter(run_id=run_id).exists()
