"""Every wait has a reason in both languages and, where the past or a clock tells, an end."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.pipeline.models import StageRun, WorkerBeat
from liaoyuan.pipeline.selectors import board
from liaoyuan.pipeline.services import stage_run_execute, stage_run_start, worker_beat, worker_gone
from liaoyuan.pipeline.waiting import WaitReport, wait_report

Row = Callable[[UUID], StageRun]


@pytest.fixture(autouse=True)
def _no_workers(database: str) -> Iterator[None]:
    WorkerBeat.objects.all().delete()
    yield
    WorkerBeat.objects.all().delete()


def report(row: Row, organization: Any, run_id: UUID) -> WaitReport | None:
    with tenant_context(organization.id):
        return wait_report(row(run_id))


def test_without_a_worker_the_wait_says_so(start: Any, row: Row, organization: Any) -> None:
    found = report(row, organization, start())
    assert found is not None
    assert (found.kind, found.until) == ("no worker", None)
    assert "evaluate" in found.reason_zh and "evaluate" in found.reason_en


def test_a_worker_of_another_queue_or_a_silent_one_does_not_count(start: Any, row: Row, organization: Any) -> None:
    worker_beat(name="other", queues=["train"], slots=1)
    worker_beat(name="silent", queues=["evaluate"], slots=1)
    WorkerBeat.objects.filter(name="silent").update(at=timezone.now() - timedelta(minutes=2))
    found = report(row, organization, start())
    assert found is not None and found.kind == "no worker"


def test_a_worker_that_says_good_bye_is_gone(start: Any, row: Row, organization: Any) -> None:
    worker_beat(name="one", queues=["evaluate"], slots=1)
    worker_gone(name="one")
    found = report(row, organization, start())
    assert found is not None and found.kind == "no worker"


def test_in_line_it_tells_the_position_and_the_end(organization: Any, row: Row) -> None:
    worker_beat(name="one", queues=["serve", "evaluate"], slots=1)
    with tenant_context(organization.id):
        runs = [stage_run_start(stage="evaluate").id for _ in range(3)]
        others = StageRun.objects.filter(id__in=runs[:2])
        # The front of all lines, whatever other tests left in this one.
        others.update(expected_seconds=30, queued_at=timezone.now() - timedelta(days=1000))
        StageRun.objects.filter(id=runs[2]).update(queued_at=timezone.now() - timedelta(days=999))
    found = report(row, organization, runs[2])
    assert found is not None and found.until is not None
    assert (found.kind, found.reason_zh) == ("queue", "排队中，第 3 位")
    assert 55 <= (found.until - timezone.now()).total_seconds() <= 3600


def test_expected_seconds_are_the_median_of_this_tenants_past(organization: Any, other_organization: Any) -> None:
    with tenant_context(organization.id):
        for seconds in (10, 20, 300):
            run = stage_run_start(stage="evaluate")
            now = timezone.now()
            StageRun.objects.filter(id=run.id).update(
                state="succeeded", started_at=now - timedelta(seconds=seconds), finished_at=now
            )
        assert stage_run_start(stage="evaluate").expected_seconds == pytest.approx(20, abs=0.1)
    with tenant_context(other_organization.id):
        assert stage_run_start(stage="evaluate").expected_seconds == 0


def test_a_dependency_ends_when_all_before_it_should_have(start_pipeline: Any, row: Row, organization: Any) -> None:
    runs = start_pipeline()
    assert (report(row, organization, runs[2]) or pytest.fail()).until is None
    with tenant_context(organization.id):
        StageRun.objects.filter(id__in=runs[:2]).update(expected_seconds=60)
    found = report(row, organization, runs[2])
    assert found is not None and found.until is not None
    assert 100 <= (found.until - timezone.now()).total_seconds() <= 121


def test_the_board_shows_six_cards_each_with_a_state_or_a_reason(
    start_pipeline: Any, row: Row, organization: Any
) -> None:
    runs = start_pipeline()
    stage_run_execute(run_id=runs[0])
    with tenant_context(organization.id):
        cards = board(row(runs[0]).solution_id).cards  # type: ignore[arg-type]
    assert [card.run.state for card in cards] == ["succeeded", "queued"] + ["waiting"] * 4
    assert cards[0].wait is None
    assert all(card.wait and card.wait.reason_zh and card.wait.reason_en for card in cards[1:])
