"""The ledger with scripted stages."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.pipeline.models import StageRun
from liaoyuan.pipeline.services import pipeline_start, solution_create, stage_run_start
from tests.stages import Released, scripted_stages


@pytest.fixture(autouse=True)
def released() -> Iterator[Released]:
    with scripted_stages() as found:
        yield found


@pytest.fixture
def principal(owner: Any) -> Principal:
    return Principal(user_id=owner.user_id, organization_id=owner.organization_id, role="owner")


@pytest.fixture
def start(organization: Any, owner: Any) -> Callable[..., UUID]:
    """``start(do="…", **spec)`` commits one queued run and gives its id."""

    def begin(do: str = "succeed", *, stage: str = "evaluate", key: str = "", **spec: Any) -> UUID:
        with tenant_context(organization.id, owner.user_id):
            return stage_run_start(stage=stage, spec={"do": do, **spec}, idempotency_key=key).id

    return begin


@pytest.fixture
def start_pipeline(organization: Any, owner: Any) -> Callable[..., list[UUID]]:
    """Commits a solution and its pipeline; gives the six runs' ids in order."""

    def begin(**specs: Any) -> list[UUID]:
        with tenant_context(organization.id, owner.user_id):
            solution, _ = solution_create(name="demo", industry="medical", scenario="guideline_qa")
            pipeline = pipeline_start(solution_id=solution.id, specs=specs)
            return list(pipeline.runs.order_by("position").values_list("id", flat=True))

    return begin


@pytest.fixture
def row(organization: Any) -> Callable[[UUID], StageRun]:
    """The run as it stands in the database now."""

    def read(run_id: UUID) -> StageRun:
        with tenant_context(organization.id):
            return StageRun.objects.select_related("solution").get(id=run_id)

    return read
