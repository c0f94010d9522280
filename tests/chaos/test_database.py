"""PostgreSQL dies or is restarted under running jobs; nothing is lost and nothing happens twice (K6)."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.compute.engines.addresses import EngineAddresses
from liaoyuan.pipeline.models import Artifact, StageEvent, StageRun, WorkerBeat
from liaoyuan.pipeline.services import stage_run_start
from tests.chaos.away import crash, own_postgres, restart
from tests.chaos.house import LOST_DOORBELL, SECONDS, START_SECONDS, House, ended, read, until
from tests.conftest import _member, _organization

pytestmark = [pytest.mark.chaos, pytest.mark.slow]
SLACK = 20.0
RUNS = 6


@pytest.fixture(scope="module")
def away(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EngineAddresses, House]]:
    """Relay, reaper and two workers on a PostgreSQL of their own."""
    var = tmp_path_factory.mktemp("k6")
    with own_postgres(var) as addresses:
        house = House("liaoyuan", var=var)
        try:
            for role in ("relay", "reaper"):
                house.start(role)
            for name in ("one", "two"):
                house.worker(name, "evaluate", slots=2)
            until(lambda: WorkerBeat.objects.count() >= 2, seconds=2 * START_SECONDS, what="both workers live")
            yield addresses, house
        finally:
            house.close()


@pytest.mark.parametrize("harm", [crash, restart], ids=["kill -9", "restart"])
def test_k6_a_database_that_goes_away_loses_nothing(
    harm: Callable[[EngineAddresses], None], away: tuple[EngineAddresses, House]
) -> None:
    addresses, _ = away
    organization = _organization("k6")
    owner: Any = _member(organization, "owner")
    with tenant_context(organization.id, owner.user_id):
        runs = [stage_run_start(stage="evaluate", spec={"do": "work", "seconds": 1.5}).id for _ in range(RUNS)]
    until(lambda: _running(organization.id), seconds=START_SECONDS, what="runs are under way")
    time.sleep(0.5)
    harm(addresses)
    # What was committed is there, at once.
    with tenant_context(organization.id):
        assert StageRun.objects.count() == RUNS
    bound = 3 * (SECONDS["LEASE"] + SECONDS["REAPER"] + LOST_DOORBELL) + START_SECONDS + SLACK
    for run_id in runs:
        until(lambda run_id=run_id: ended(organization.id, run_id), seconds=bound, what="every run ends")
        _one_effect(organization.id, run_id)


def _running(organization_id: UUID) -> bool:
    with tenant_context(organization_id):
        return StageRun.objects.filter(state="running").exists()


def _one_effect(organization_id: UUID, run_id: UUID) -> None:
    run = read(organization_id, run_id)
    assert run.state == "succeeded", (run.state, run.error)
    with tenant_context(organization_id):
        assert Artifact.objects.filter(run_id=run_id).count() == 1
        assert StageEvent.objects.filter(run_id=run_id, kind="succeeded").count() == 1
    with connection.cursor() as cursor:
        # Nothing half-done is left behind in the server either.
        cursor.execute("SELECT count(*) FROM pg_prepared_xacts")
        assert cursor.fetchone() == (0,)
