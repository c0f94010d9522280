"""Stage 4 as a durable run: nothing goes live unmeasured or unapproved, and then exactly what was measured."""

import uuid
from typing import Any

import pytest

from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.deployment.models import Bundle, Deployment, GateReport
from liaoyuan.deployment.selectors import deployment_for
from liaoyuan.errors import PermissionDenied
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import Lineage, RunState, StageRun
from liaoyuan.pipeline.services import solution_create, stage_run_approve, stage_run_execute, stage_run_start
from tests.conftest import _member
from tests.integration.deployment.conftest import Clinic

GATE = {
    "name": "recall",
    "metric": "recall@5",
    "value": 0.97,
    "threshold": 0.8,
    "direction": "at_least",
    "passed": True,
    "applies": True,
}


def report(**changes: Any) -> dict[str, Any]:
    return {
        "passed": True,
        "source": "pack",
        "questions": 30,
        "gates": [GATE | changes],
        "metrics": {"recall@5": 0.97},
        "rows": [],
    }


def start(clinic: Clinic, checkpoint: dict[str, Any] | None = None) -> StageRun:
    """Stage 4 of a new solution over the clinic's collection; ``checkpoint`` is what an earlier pass measured."""
    with tenant_context(clinic.organization.id, clinic.owner.user_id):
        solution, _ = solution_create(
            name=f"s {uuid.uuid4()}",
            industry="medical",
            scenario="guideline-qa",
            collection_id=clinic.collection_id,
        )
        run = stage_run_start(stage=StageName.DEPLOYMENT, solution_id=solution.id)
        StageRun.objects.filter(id=run.id).update(checkpoint=checkpoint or {})
        return run


def execute(run: StageRun) -> StageRun:
    stage_run_execute(run_id=run.id)
    with tenant_context(run.organization_id):
        return StageRun.objects.select_related("solution").get(id=run.id)


def live(run: StageRun) -> tuple[int, int]:
    """Bundles and deployments of the run's solution."""
    assert run.solution_id is not None
    with tenant_context(run.organization_id):
        bundles = Bundle.objects.filter(solution_id=run.solution_id).count()
        return bundles, Deployment.objects.filter(solution_id=run.solution_id).count()


def test_documents_without_questions_are_not_examined_and_nothing_goes_live(clinic: Clinic) -> None:
    run = execute(start(clinic))
    assert (run.state, run.error["code"]) == (RunState.FAILED, "too_few_questions")
    assert live(run) == (0, 0)


def test_a_failed_gate_is_named_with_value_and_threshold_and_nothing_goes_live(clinic: Clinic) -> None:
    failed = report(value=0.5, passed=False)
    run = execute(start(clinic, {"bundle_sha256": clinic.deployment.bundle.sha256, "report": failed}))
    assert (run.state, run.error["code"]) == (RunState.FAILED, "gates_failed")
    for language in ("zh", "en"):
        assert "recall 0.500 (at_least 0.8)" in run.error[language]
    assert live(run) == (0, 0)


def test_a_report_of_another_bundle_does_not_count(clinic: Clinic) -> None:
    run = execute(start(clinic, {"bundle_sha256": "0" * 64, "report": report()}))
    assert (run.state, run.error["code"]) == (RunState.FAILED, "too_few_questions")


def test_what_passed_waits_for_an_owner_and_then_goes_live_under_their_name(clinic: Clinic) -> None:
    run = execute(start(clinic, {"bundle_sha256": clinic.deployment.bundle.sha256, "report": report()}))
    assert (run.state, run.wait_kind) == (RunState.WAITING, "approval")
    assert "批准" in run.wait_reason_zh and "approve" in run.wait_reason_en
    assert live(run) == (0, 0)
    organization = clinic.organization.id
    viewer = _member(clinic.organization, "viewer")
    with tenant_context(organization, viewer.user_id), pytest.raises(PermissionDenied):
        stage_run_approve(principal=Principal(viewer.user_id, organization, "viewer"), run_id=run.id)
    with tenant_context(organization, clinic.owner.user_id):
        principal = Principal(clinic.owner.user_id, organization, "owner")
        stage_run_approve(principal=principal, run_id=run.id, note="看过了")
    done = execute(run)
    assert done.state == RunState.SUCCEEDED, done.error
    assert done.solution is not None
    with tenant_context(organization):
        found = deployment_for(done.solution.name)
        kept = GateReport.objects.get(bundle_id=found.bundle_id)
        parents = set(Lineage.objects.filter(child_id=found.bundle_id).values_list("parent_kind", "relation"))
    assert str(found.id) == done.result["deployment"]
    assert (found.approved_by, found.note) == (clinic.owner.user_id, "看过了")
    assert found.bundle.sha256 == clinic.deployment.bundle.sha256
    assert (kept.passed, kept.source, kept.questions) == (True, "pack", 30)
    assert parents == {("document_version", "serves")}
    assert done.result["approved_by"] == str(clinic.owner.user_id)
