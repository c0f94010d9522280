"""A long stage works in slices: while others wait it goes to the end of the line, and loses nothing by it."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from liaoyuan.accounts.tenancy import system_context, tenant_context
from liaoyuan.pipeline.models import FINAL_STATES, Outbox, RunState, StageRun, WorkerBeat
from liaoyuan.pipeline.services import doorbells_ring, stage_run_execute, stage_run_start, worker_beat
from liaoyuan.pipeline.services.fencing import run_claim
from liaoyuan.pipeline.waiting import crowding, place_wanted

Row = Callable[[UUID], StageRun]


@pytest.fixture(autouse=True)
def quiet(database: str) -> None:
    """The line is all tenants': what other tests left in it must not stand in this one."""
    WorkerBeat.objects.all().delete()
    with system_context("test") as alias:
        Outbox.objects.using(alias).all().delete()
        StageRun.objects.using(alias).exclude(state__in=FINAL_STATES).update(state=RunState.CANCELLED)


def waited(run_id: UUID, organization: Any, seconds: float) -> None:
    with tenant_context(organization.id):
        StageRun.objects.filter(id=run_id).update(queued_at=timezone.now() - timedelta(seconds=seconds))


def other_run(organization: Any, stage: str = "evaluate") -> UUID:
    with tenant_context(organization.id):
        return stage_run_start(stage=stage, spec={"do": "succeed"}).id


def test_a_run_that_gives_way_queues_again_with_its_reason_and_its_attempt(
    start: Any, row: Row, tmp_path: Path
) -> None:
    run_id = start("turns", free=str(tmp_path / "free"))
    for _ in range(5):
        assert stage_run_execute(run_id=run_id, worker="w") == RunState.QUEUED
    after = row(run_id)
    assert (after.attempt, after.wait_kind) == (0, "queue")
    assert "先让其他任务" in after.wait_reason_zh and "others" in after.wait_reason_en
    (tmp_path / "free").touch()
    assert stage_run_execute(run_id=run_id, worker="w") == RunState.SUCCEEDED


def test_who_gives_way_comes_after_those_who_waited(start: Any, other_organization: Any, tmp_path: Path) -> None:
    large = start("turns", free=str(tmp_path / "free"))
    small = other_run(other_organization)
    assert stage_run_execute(run_id=large, worker="w") == RunState.QUEUED
    rung: list[str] = []
    doorbells_ring(ring=lambda run_id, queue: rung.append(run_id), depth=lambda queue: 0)
    assert [UUID(each) for each in rung] == [small, large]


def test_a_place_is_wanted_only_while_somebody_stands_ready_and_nobody_takes_him(
    start: Any, organization: Any, other_organization: Any
) -> None:
    large = start("turns", free="/nowhere")
    run_claim(run_id=large, worker="w")
    assert not place_wanted(large)
    small = other_run(other_organization)
    assert not place_wanted(large), "a free worker may take him any moment"
    waited(small, other_organization, 10)
    assert place_wanted(large)
    with tenant_context(other_organization.id):
        StageRun.objects.filter(id=small).update(not_before=timezone.now() + timedelta(hours=1))
    assert not place_wanted(large)


def test_other_queues_count_as_far_as_the_same_workers_serve_them(start: Any, other_organization: Any) -> None:
    large = start("turns", free="/nowhere")
    run_claim(run_id=large, worker="w")
    waited(other_run(other_organization, "training"), other_organization, 10)
    assert not place_wanted(large)
    worker_beat(name="all", queues=["evaluate", "train"], slots=1)
    assert place_wanted(large)


def test_crowding_tells_how_many_share_a_slot(start: Any) -> None:
    assert crowding("evaluate") == 1.0
    for _ in range(4):
        start("succeed")
    worker_beat(name="two", queues=["evaluate"], slots=2)
    assert crowding("evaluate") == 2.0
