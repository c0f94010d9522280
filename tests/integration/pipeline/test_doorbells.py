"""The relay's choice: fair between organizations, few at a time, again where one was lost."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connections
from django.utils import timezone

from liaoyuan.accounts.services import organization_create
from liaoyuan.accounts.tenancy import system_context, tenant_context
from liaoyuan.broker import BrokerDown
from liaoyuan.pipeline.models import Outbox, StageRun
from liaoyuan.pipeline.services import doorbells_ring, stage_run_execute, stage_run_start
from liaoyuan.pipeline.services.doorbells import NEXT, OUTSTANDING


class Bells:
    """Rings nowhere, remembers everything; ``depth`` is what the broker would say."""

    def __init__(self) -> None:
        self.rung: list[UUID] = []
        self.deep = 0
        self.down_after: int | None = None

    def ring(self, run_id: str, queue: str) -> None:
        if self.down_after is not None and len(self.rung) >= self.down_after:
            raise BrokerDown
        self.rung.append(UUID(run_id))

    def depth(self, queue: str) -> int:
        return self.deep

    def round(self) -> list[UUID]:
        before = len(self.rung)
        doorbells_ring(ring=self.ring, depth=self.depth)
        return self.rung[before:]


@pytest.fixture(autouse=True)
def _empty_outbox(database: str) -> None:
    """The relay sees all tenants: what other tests left waiting must not stand in this line."""
    with system_context("test") as alias:
        Outbox.objects.using(alias).all().delete()


def queue_runs(name: str, count: int) -> list[UUID]:
    organization, _ = organization_create(name=f"{name} {uuid4()}")
    with tenant_context(organization.id):
        return [stage_run_start(stage="ingest").id for _ in range(count)]


@contextmanager
def later(seconds: float) -> Iterator[None]:
    """Doorbells that are out now were rung ``seconds`` ago."""
    with system_context("test") as alias:
        moment = timezone.now() - timedelta(seconds=seconds)
        Outbox.objects.using(alias).filter(published_at__isnull=False).update(published_at=moment)
    yield


def test_few_are_out_at_once_and_an_answer_makes_room() -> None:
    runs = queue_runs("big", OUTSTANDING + 3)
    bells = Bells()
    assert bells.round() == runs[:OUTSTANDING]
    assert bells.round() == []
    stage_run_execute(run_id=runs[0])
    assert bells.round() == [runs[OUTSTANDING]]


def test_a_small_organization_is_not_behind_a_big_ones_hundred() -> None:
    big, small = queue_runs("big", 30), queue_runs("small", 3)
    rung = Bells().round()
    assert set(small) <= set(rung)
    assert rung[0] == big[0] and len(rung) == OUTSTANDING


def test_the_oldest_of_an_organization_comes_first() -> None:
    runs = queue_runs("one", 5)
    assert Bells().round() == runs


def test_a_lost_doorbell_is_rung_again_when_the_queue_is_empty() -> None:
    runs = queue_runs("one", 2)
    bells = Bells()
    bells.round()
    with later(60):
        assert bells.round() == runs


def test_a_doorbell_in_a_long_queue_is_not_rung_twice() -> None:
    queue_runs("one", 2)
    bells = Bells()
    bells.round()
    bells.deep = 2
    with later(60):
        assert bells.round() == []


def test_a_run_that_its_starter_executes_is_rung_only_if_it_did_not(organization: Any) -> None:
    with tenant_context(organization.id):
        run_id = stage_run_start(stage="ingest", answered=True).id
    bells = Bells()
    assert bells.round() == []
    with later(60):
        assert bells.round() == [run_id]


def test_a_run_before_its_time_is_not_rung() -> None:
    runs = queue_runs("one", 1)
    with system_context("test") as alias:
        StageRun.objects.using(alias).filter(id=runs[0]).update(not_before=timezone.now() + timedelta(hours=1))
    assert Bells().round() == []


def test_when_the_broker_goes_away_in_the_middle_nothing_is_rung_twice_or_lost() -> None:
    runs = queue_runs("one", 4)
    bells = Bells()
    bells.down_after = 2
    with pytest.raises(BrokerDown):
        bells.round()
    bells.down_after = None
    assert bells.round() == runs[2:]


def test_a_cancelled_runs_doorbell_is_forgotten(organization: Any) -> None:
    runs = queue_runs("one", 1)
    with system_context("test") as alias:
        StageRun.objects.using(alias).filter(id=runs[0]).update(state="cancelled")
    assert Bells().round() == []
    with system_context("test") as alias:
        assert not Outbox.objects.using(alias).filter(run_id=runs[0]).exists()


def queue_at_once(name: str, count: int) -> None:
    """Runs with their doorbells as many requests would write them, in two statements."""
    organization, _ = organization_create(name=f"{name} {uuid4()}")
    with tenant_context(organization.id):
        first = stage_run_start(stage="ingest")
        same = {"organization_id": organization.id, "stage": first.stage, "queue": first.queue, "state": first.state}
        runs = StageRun.objects.bulk_create([StageRun(**same, queued_at=timezone.now()) for _ in range(count)])
        own = {"organization_id": organization.id, "queue": first.queue}
        Outbox.objects.bulk_create([Outbox(**own, run_id=run.id) for run in runs])


def rows_read(plan: dict[str, Any]) -> int:
    """Rows that a plan and all beneath it looked at, kept or not."""
    rows = sum(int(plan.get(name, 0)) for name in ("Actual Rows", "Rows Removed by Filter"))
    return rows * int(plan["Actual Loops"]) + sum(map(rows_read, plan.get("Plans", ())))


def test_thousands_that_came_at_once_are_not_compared_with_each_other() -> None:
    """Right after they came the database has not counted them and takes few for granted: the choice must not rest on
    that. It once read each waiting doorbell for each of them, half a minute for ten thousand."""
    many = 2000
    queue_at_once("big", many)
    small = queue_runs("small", 2)
    with system_context("test") as alias, connections[alias].cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {NEXT}", {"queue": "ingest", "room": OUTSTANDING})
        told = cursor.fetchone()[0]
    plan = (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]
    assert rows_read(plan) < 10 * many
    assert set(small) <= set(Bells().round())
