"""Six stages after one another: who is released when, what people may do, what the board says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from liaoyuan.accounts.models import AuditEvent
from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import NotFound, PermissionDenied
from liaoyuan.pipeline.errors import RunStateRefused, SolutionExists
from liaoyuan.pipeline.models import Artifact, Pipeline, StageRun
from liaoyuan.pipeline.selectors import board, lineage_down, lineage_up
from liaoyuan.pipeline.services import (
    pipeline_cancel,
    pipeline_start,
    runs_reap,
    solution_create,
    stage_run_approve,
    stage_run_cancel,
    stage_run_execute,
    stage_run_resume,
    stage_run_retry,
)
from tests.stages import Released

StartPipeline = Callable[..., list[UUID]]
Row = Callable[[UUID], StageRun]


def states(row: Row, runs: list[UUID]) -> list[str]:
    return [row(run).state for run in runs]


def test_only_the_first_stage_is_queued_and_the_others_say_why_they_wait(
    start_pipeline: StartPipeline, row: Row
) -> None:
    runs = start_pipeline()
    assert states(row, runs) == ["queued"] + ["waiting"] * 5
    assert row(runs[1]).wait_reason_en == "dependency: build compute comes first"
    assert row(runs[1]).wait_reason_zh == "等待上一阶段“建算力”完成"


def test_each_success_releases_the_next_until_the_pipeline_is_finished(
    start_pipeline: StartPipeline, row: Row, organization: Any, released: Released
) -> None:
    runs = start_pipeline()
    for run_id in runs:
        assert released.solutions == []
        assert stage_run_execute(run_id=run_id) == "succeeded"
    assert states(row, runs) == ["succeeded"] * 6
    with tenant_context(organization.id):
        pipeline = Pipeline.objects.get()
    assert pipeline.finished_at is not None
    assert released.solutions == [pipeline.solution_id]
    # Every stage saw what all stages before it made.
    assert row(runs[5]).result["seen"] == sorted(f"made-by-{row(run).stage}" for run in runs[:5])


def test_lineage_is_walked_both_ways_and_ends_at_strangers(
    start_pipeline: StartPipeline, row: Row, organization: Any, other_organization: Any
) -> None:
    runs = start_pipeline()
    for run_id in runs[:3]:
        stage_run_execute(run_id=run_id)
    with tenant_context(organization.id):
        made = {artifact.kind: artifact.id for artifact in Artifact.objects.all()}
        up = lineage_up("made-by-training", made["made-by-training"])
        down = lineage_down("made-by-compute", made["made-by-compute"])
    assert {node.kind for node in up.nodes} == {"made-by-compute", "made-by-data", "made-by-training"}
    assert len(up.edges) == 3
    assert {node.id for node in down.nodes} == set(made.values())
    with tenant_context(other_organization.id):
        assert lineage_up("made-by-training", made["made-by-training"]).edges == []


def test_a_failed_stage_holds_the_later_ones_until_it_is_retried(
    start_pipeline: StartPipeline, row: Row, organization: Any, principal: Principal, released: Released
) -> None:
    runs = start_pipeline(data={"do": "fail"})
    stage_run_execute(run_id=runs[0])
    assert stage_run_execute(run_id=runs[1]) == "failed"
    assert states(row, runs) == ["succeeded", "failed"] + ["waiting"] * 4
    assert row(runs[5]).wait_reason_en == "dependency: curate data failed; retry it first"
    assert len(released.solutions) == 1
    with tenant_context(organization.id, principal.user_id):
        StageRun.objects.filter(id=runs[1]).update(spec={})
        assert stage_run_retry(principal=principal, run_id=runs[1]) == "queued"
    assert row(runs[2]).wait_reason_en == "dependency: curate data comes first"
    assert stage_run_execute(run_id=runs[1]) == "succeeded"
    assert row(runs[2]).state == "queued"


def test_a_reused_artifact_reaches_the_later_stages(start_pipeline: StartPipeline, row: Row, organization: Any) -> None:
    first = start_pipeline()
    stage_run_execute(run_id=first[0])
    with tenant_context(organization.id):
        made = Artifact.objects.get()
    again = start_pipeline(compute={"do": "reuse", "kind": made.kind, "id": str(made.id)})
    assert stage_run_execute(run_id=again[0]) == "succeeded"
    assert row(again[0]).result["reused"] is True
    stage_run_execute(run_id=again[1])
    assert row(again[1]).result["seen"] == ["made-by-compute"]
    with tenant_context(organization.id):
        assert Artifact.objects.filter(kind="made-by-compute").count() == 1


def test_an_approval_is_asked_given_by_name_and_audited(
    start_pipeline: StartPipeline, row: Row, organization: Any, principal: Principal
) -> None:
    runs = start_pipeline(compute={"do": "approval"})
    assert stage_run_execute(run_id=runs[0]) == "waiting"
    waiting = row(runs[0])
    assert (waiting.attempt, waiting.wait_kind, waiting.wait_reason_zh) == (0, "approval", "等待所有者批准")
    with tenant_context(organization.id, principal.user_id):
        assert stage_run_approve(principal=principal, run_id=runs[0], note="seen") == "queued"
    assert stage_run_execute(run_id=runs[0]) == "succeeded"
    assert row(runs[0]).result["approved_by"] == str(principal.user_id)
    assert row(runs[0]).result["kept"] == 1
    with tenant_context(organization.id):
        event = AuditEvent.objects.get(action="run.approve")
    assert (event.actor, event.detail["note"]) == (str(principal.user_id), "seen")


@pytest.mark.parametrize(
    ("verb", "role"),
    [
        (stage_run_cancel, "viewer"),
        (stage_run_cancel, "annotator"),
        (stage_run_retry, "viewer"),
        (stage_run_retry, "auditor"),
        (stage_run_approve, "steward"),
        (stage_run_approve, "developer"),
        (stage_run_resume, "steward"),
    ],
)
def test_who_may_not(
    verb: Any, role: str, start_pipeline: StartPipeline, organization: Any, owner: Any, row: Row
) -> None:
    runs = start_pipeline()
    nobody = Principal(user_id=owner.user_id, organization_id=organization.id, role=role)
    with tenant_context(organization.id), pytest.raises(PermissionDenied):
        verb(principal=nobody, run_id=runs[0])
    assert row(runs[0]).state == "queued"


@pytest.mark.parametrize("verb", [stage_run_cancel, stage_run_retry, stage_run_approve, stage_run_resume])
def test_a_stranger_finds_no_run(
    verb: Any, start_pipeline: StartPipeline, stranger: Any, other_organization: Any
) -> None:
    runs = start_pipeline()
    principal = Principal(user_id=stranger.user_id, organization_id=other_organization.id, role="owner")
    with tenant_context(other_organization.id), pytest.raises(NotFound):
        verb(principal=principal, run_id=runs[0])


def test_a_stranger_starts_no_pipeline(start_pipeline: StartPipeline, organization: Any, stranger: Any) -> None:
    start_pipeline()
    with tenant_context(organization.id):
        solution_id = Pipeline.objects.get().solution_id
    with tenant_context(stranger.organization_id), pytest.raises(NotFound):
        pipeline_start(solution_id=solution_id)


def test_cancelling_a_pipeline_ends_every_run_that_had_not_ended(
    start_pipeline: StartPipeline, row: Row, organization: Any, principal: Principal
) -> None:
    runs = start_pipeline()
    stage_run_execute(run_id=runs[0])
    with tenant_context(organization.id, principal.user_id):
        pipeline_id = Pipeline.objects.get().id
        assert pipeline_cancel(principal=principal, pipeline_id=pipeline_id) == 5
    assert states(row, runs) == ["succeeded"] + ["cancelled"] * 5
    with tenant_context(organization.id, principal.user_id), pytest.raises(RunStateRefused):
        stage_run_cancel(principal=principal, run_id=runs[1])


def test_a_stage_behind_an_unfinished_one_is_retried_into_waiting(
    start_pipeline: StartPipeline, row: Row, organization: Any, principal: Principal
) -> None:
    runs = start_pipeline()
    with tenant_context(organization.id, principal.user_id):
        stage_run_cancel(principal=principal, run_id=runs[1])
        assert stage_run_retry(principal=principal, run_id=runs[1]) == "waiting"
    stage_run_execute(run_id=runs[0])
    assert row(runs[1]).state == "queued"


def test_a_quota_is_asked_again_by_the_reaper_and_at_once_on_request(
    start_pipeline: StartPipeline, row: Row, organization: Any, principal: Principal, tmp_path: Path
) -> None:
    free = tmp_path / "free"
    runs = start_pipeline(compute={"do": "quota", "free": str(free)})
    assert stage_run_execute(run_id=runs[0]) == "waiting"
    with tenant_context(organization.id, principal.user_id):
        assert board(row(runs[0]).solution_id or runs[0]).cards[0].wait is not None
        assert stage_run_resume(principal=principal, run_id=runs[0]) == "queued"
    assert stage_run_execute(run_id=runs[0]) == "waiting"
    with tenant_context(organization.id):
        StageRun.objects.filter(id=runs[0]).update(not_before="2000-01-01T00:00:00Z")
    free.touch()
    assert runs_reap()["asked again"] >= 1
    assert stage_run_execute(run_id=runs[0]) == "succeeded"
    assert row(runs[0]).attempt == 1


def test_the_same_key_starts_one_pipeline(organization: Any, owner: Any) -> None:
    with tenant_context(organization.id, owner.user_id):
        solution, created = solution_create(name="s", industry="energy", scenario="rules")
        again, created_again = solution_create(name="s", industry="energy", scenario="rules")
        assert (created, created_again, solution.id) == (True, False, again.id)
        first = pipeline_start(solution_id=solution.id, idempotency_key="k")
        assert pipeline_start(solution_id=solution.id, idempotency_key="k") == first
        assert pipeline_start(solution_id=solution.id).number == 2
        with pytest.raises(SolutionExists):
            solution_create(name="s", industry="medical", scenario="other")
