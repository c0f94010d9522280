"""Solutions, pipelines and single runs come into being, each with its doorbell in the same transaction."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.db.models.functions import Now

from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.errors import NotFound
from liaoyuan.pipeline import waits
from liaoyuan.pipeline.contract import PIPELINE_STAGES, StageName
from liaoyuan.pipeline.errors import SolutionExists
from liaoyuan.pipeline.estimates import learned_seconds
from liaoyuan.pipeline.events import doorbell_write, event_write, plain
from liaoyuan.pipeline.models import Pipeline, RunState, Solution, StageRun
from liaoyuan.pipeline.registry import stage_get
from liaoyuan.pipeline.services.following import AFTER, run_dependency


def solution_create(
    *,
    name: str,
    industry: str,
    scenario: str,
    collection_id: UUID | None = None,
    options: Mapping[str, Any] | None = None,
) -> tuple[Solution, bool]:
    """The solution called ``name`` and whether it is new. Raises SolutionExists if the name means another scenario."""
    tenant = current_tenant()
    solution, created = Solution.objects.get_or_create(
        organization_id=tenant.organization_id,
        name=name.strip(),
        defaults={
            "industry": industry,
            "scenario": scenario,
            "collection_id": collection_id,
            "options": plain(options or {}),
            "created_by": tenant.user_id,
        },
    )
    if (solution.industry, solution.scenario) != (industry, scenario):
        raise SolutionExists(name=name, scenario=f"{solution.industry}/{solution.scenario}")
    return solution, created


def pipeline_start(
    *,
    solution_id: UUID,
    specs: Mapping[str, Mapping[str, Any]] | None = None,
    idempotency_key: str = "",
    after: Sequence[UUID] = (),
) -> Pipeline:
    """A new pass through the six stages: the first is queued, the rest wait for the one before.

    ``specs`` maps a stage's name to its own spec. The same ``idempotency_key`` gives the same pipeline. The first stage
    waits until the imports ``after`` have succeeded. Raises NotFound.
    """
    # The row's lock makes the number below unique and the key's look-up safe.
    solution = Solution.objects.select_for_update().filter(id=solution_id).first()
    if solution is None:
        raise NotFound
    if idempotency_key:
        earlier = StageRun.objects.filter(idempotency_key=idempotency_key, pipeline__isnull=False).first()
        if earlier is not None and earlier.pipeline is not None:
            return earlier.pipeline
    tenant = current_tenant()
    last = Pipeline.objects.filter(solution=solution).aggregate(last=Max("number"))["last"] or 0
    pipeline = Pipeline.objects.create(
        organization_id=tenant.organization_id, solution=solution, number=last + 1, requested_by=tenant.user_id
    )
    for position, stage in enumerate(PIPELINE_STAGES):
        run = _run(stage, solution, dict((specs or {}).get(stage, {})))
        run.pipeline, run.position = pipeline, position
        if position == 0:
            run.idempotency_key = idempotency_key
            wait = _wait_for_imports(run, after)
        else:
            wait = waits.dependency(PIPELINE_STAGES[position - 1])
        if wait is not None:
            run.state, run.wait_kind = RunState.WAITING, wait.kind
            run.wait_reason_zh, run.wait_reason_en = wait.zh, wait.en
        _save(run)
    return pipeline


def _wait_for_imports(run: StageRun, after: Sequence[UUID]) -> waits.Wait | None:
    if not after:
        return None
    run.spec |= {AFTER: [str(each) for each in after]}
    # Their rows' locks: none of them may end between this look and our commit, or nobody would release us.
    list(StageRun.objects.select_for_update().filter(id__in=after).order_by("id"))
    return run_dependency(run)


def stage_run_start(
    *,
    stage: str,
    solution_id: UUID | None = None,
    spec: Mapping[str, Any] | None = None,
    idempotency_key: str = "",
    answered: bool = False,
) -> StageRun:
    """One run beside the pipelines (ingest, evaluate, a single training), queued at once.

    The same ``idempotency_key`` gives the same run. ``answered``: the caller executes it right away in this process, so
    no worker is called unless it does not. Raises NotFound for a strange solution, StageUnknown.
    """
    solution = None
    if solution_id is not None:
        solution = Solution.objects.filter(id=solution_id).first()
        if solution is None:
            raise NotFound
    run = _run(StageName(stage), solution, dict(spec or {}))
    run.idempotency_key = idempotency_key
    try:
        with transaction.atomic():
            _save(run, answered=answered)
    except IntegrityError:
        if not idempotency_key:
            raise
        return StageRun.objects.get(idempotency_key=idempotency_key)
    return run


def _run(stage: StageName, solution: Solution | None, spec: dict[str, Any]) -> StageRun:
    tenant = current_tenant()
    wait = waits.queue()
    return StageRun(
        organization_id=tenant.organization_id,
        solution=solution,
        stage=stage.value,
        queue=stage_get(stage).queue,
        state=RunState.QUEUED,
        spec=plain(spec),
        wait_kind=wait.kind,
        wait_reason_zh=wait.zh,
        wait_reason_en=wait.en,
        expected_seconds=learned_seconds(stage=stage.value, industry=solution.industry if solution else ""),
        requested_by=tenant.user_id,
    )


def _save(run: StageRun, *, answered: bool = False) -> None:
    run.save(force_insert=True)
    if run.state == RunState.QUEUED:
        StageRun.objects.filter(id=run.id).update(queued_at=Now())
        doorbell_write(run=run, answered=answered)
    event_write(
        run_id=run.id,
        organization_id=run.organization_id,
        kind=run.state,
        data={"stage": run.stage, "wait_zh": run.wait_reason_zh, "wait_en": run.wait_reason_en},
    )
