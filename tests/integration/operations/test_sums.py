"""Sums over answers: daily rollups, health, drift — each against a second computation."""

import uuid
from datetime import UTC, datetime, timedelta
from math import sqrt
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.operations.models import DailyRollup
from liaoyuan.operations.selectors import solution_drift, solution_health
from liaoyuan.operations.services import feedback_give, rollup_all, rollup_day
from tests.integration.operations.traces import recorded, recorded_many

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
SECONDS = [0.1, 0.2, 0.2, 0.4, 0.9, 1.5, 7.0]


def test_a_rollup_agrees_with_numpy_and_counts_only_its_day_and_solution(
    tenant: Any, organization: Any, owner: Any
) -> None:
    solution, other = uuid.uuid4(), uuid.uuid4()
    recorded_many(organization, solution, SECONDS, at=NOON, prompt_tokens=10, completion_tokens=3, cost=0.5)
    recorded_many(organization, solution, [99.0], at=NOON - timedelta(hours=12, seconds=1))
    recorded_many(organization, solution, [99.0], at=NOON + timedelta(hours=12))
    recorded_many(organization, other, [50.0], at=NOON, abstained=True)
    bad = recorded(organization, solution_id=solution, seconds=0.3, at=NOON, abstained=True, error="x")
    feedback_give(trace_id=bad.id, user_id=owner.user_id, helpful=False, reason="outdated")
    assert rollup_day(day=NOON.date()) == 2
    row = DailyRollup.objects.get(solution_id=solution)
    measured = [*SECONDS, 0.3]
    assert row.p50_seconds == pytest.approx(np.percentile(measured, 50))
    assert row.p95_seconds == pytest.approx(np.percentile(measured, 95))
    assert (row.answers, row.abstained, row.errors, row.blocked) == (8, 1, 1, 0)
    assert (row.prompt_tokens, row.completion_tokens) == (7 * 10 + 100, 7 * 3 + 20)
    assert row.cost == pytest.approx(7 * 0.5 + bad.cost)
    assert (row.helpful, row.unhelpful) == (0, 1)


def test_a_second_rollup_changes_nothing_and_a_late_trace_is_taken_in(tenant: Any, organization: Any) -> None:
    solution = uuid.uuid4()
    recorded_many(organization, solution, SECONDS, at=NOON)
    rollup_day(day=NOON.date())
    before = DailyRollup.objects.values().get(solution_id=solution)
    rollup_day(day=NOON.date())
    assert DailyRollup.objects.values().get(solution_id=solution) == before
    recorded_many(organization, solution, [1.0], at=NOON)
    rollup_day(day=NOON.date())
    assert DailyRollup.objects.get(solution_id=solution).answers == len(SECONDS) + 1


def test_the_daily_job_sums_every_organization_for_itself(organization: Any, other_organization: Any) -> None:
    for each in (organization, other_organization):
        with tenant_context(each.id):
            recorded_many(each, each.id, [1.0, 2.0], at=timezone.now())
    assert rollup_all() >= 2
    for each in (organization, other_organization):
        with tenant_context(each.id):
            assert list(DailyRollup.objects.values_list("solution_id", "answers")) == [(each.id, 2)]


def test_health_shows_the_numbers_of_the_window_and_the_reasons_of_bad_answers(
    tenant: Any, organization: Any, owner: Any, viewer: Any
) -> None:
    solution = uuid.uuid4()
    recorded_many(organization, solution, [9.0], at=timezone.now() - timedelta(days=2))
    rows = [recorded(organization, solution_id=solution, seconds=value) for value in (0.1, 0.2, 0.6)]
    recorded(organization, solution_id=solution, seconds=0.3, abstained=True)
    for member in (owner, viewer):
        feedback_give(trace_id=rows[0].id, user_id=member.user_id, helpful=False, reason="outdated")
    feedback_give(trace_id=rows[1].id, user_id=owner.user_id, helpful=True)
    found = solution_health(solution)
    assert (found["answers"], found["abstained"], found["blocked"], found["errors"]) == (4, 1, 0, 0)
    assert (found["prompt_tokens"], found["completion_tokens"]) == (400, 80)
    assert found["p50_seconds"] == pytest.approx(np.percentile([0.1, 0.2, 0.6, 0.3], 50))
    assert found["p95_seconds"] == pytest.approx(np.percentile([0.1, 0.2, 0.6, 0.3], 95))
    assert found["cost"] > 0
    assert (found["helpful"], found["unhelpful"], found["reasons"]) == (1, 2, {"outdated": 2})
    assert solution_health(solution, days=3)["answers"] == 5


def test_a_solution_that_nobody_asked_has_no_latency_and_no_drift(tenant: Any) -> None:
    found = solution_health(uuid.uuid4())
    assert (found["answers"], found["cost"], found["p95_seconds"]) == (0, 0.0, None)
    assert found["drift"]["moved"] is None


def fill(organization: Any, solution: uuid.UUID, *, before: tuple[int, int], now: tuple[int, int]) -> None:
    """(answers, abstained of them) in the seven days before, and in the last day."""
    for (answers, abstained), days in ((before, 3), (now, 0)):
        at = timezone.now() - timedelta(days=days, minutes=1)
        recorded_many(organization, solution, [1.0] * abstained, at=at, abstained=True)
        recorded_many(organization, solution, [1.0] * (answers - abstained), at=at)


def test_a_shift_of_the_abstained_share_is_drift_by_the_two_proportion_test(tenant: Any, organization: Any) -> None:
    solution = uuid.uuid4()
    fill(organization, solution, before=(200, 20), now=(50, 15))
    found = solution_drift(solution)
    pooled = 35 / 250
    z = (15 / 50 - 20 / 200) / sqrt(pooled * (1 - pooled) * (1 / 50 + 1 / 200))
    assert found["z"] == pytest.approx(z) and z > 2.576
    assert found["moved"] is True
    assert (found["now"], found["before"]) == ({"n": 50, "share": 0.3}, {"n": 200, "share": 0.1})


@pytest.mark.parametrize(
    ("before", "now", "moved"),
    [
        ((200, 20), (50, 6), False),
        ((200, 60), (50, 1), True),
        ((200, 0), (50, 0), False),
        ((200, 20), (29, 29), None),
        ((29, 0), (200, 200), None),
    ],
)
def test_noise_is_no_drift_and_too_few_answers_say_nothing(
    tenant: Any, organization: Any, before: tuple[int, int], now: tuple[int, int], moved: bool | None
) -> None:
    solution = uuid.uuid4()
    fill(organization, solution, before=before, now=now)
    assert solution_drift(solution)["moved"] is moved
