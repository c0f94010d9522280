"""The fifth stage over a live database: every control measured, the proof kept, a failure told and kept as well."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import ProgrammingError, connections, transaction

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.industry.schemas import Control
from liaoyuan.industry.selectors import industry_get
from liaoyuan.pipeline.contract import ArtifactRef, Artifacts, InputMissing, StageContext
from liaoyuan.security.controls.registry import check_get
from liaoyuan.security.errors import ControlUnknown
from liaoyuan.security.models import ComplianceReport, ControlResult, GuardrailPolicyVersion
from liaoyuan.security.selectors import compliance_latest, control_results
from liaoyuan.security.stage import ControlsFailed, SecurityStage, _subject

pytestmark = pytest.mark.usefixtures("database")


def kept(context: StageContext, artifacts: Artifacts) -> ArtifactRef:
    """What the ledger does when the run succeeded: save inside the tenant's transaction."""
    item = artifacts.items[0]
    ref = ArtifactRef(item.kind, item.id, item.name)
    with tenant_context(context.solution.organization_id):
        assert item.save is not None
        item.save(ref)
    return ref


@pytest.mark.parametrize("industry", ["medical", "energy", "education"])
def test_a_sound_deployment_gets_a_report_with_every_control(
    industry: str, context_of: Callable[[str], StageContext], deployed: Callable[[bool], None]
) -> None:
    deployed(True)
    context = context_of(industry)
    artifacts = SecurityStage().run(context)
    ref = kept(context, artifacts)
    report = json.loads((context.workdir / "compliance-report.json").read_text(encoding="utf-8"))
    controls = industry_get(industry).spec.controls
    assert [item["control"] for item in report["controls"]][: len(controls)] == [control.id for control in controls]
    assert [item["control"] for item in report["controls"] if not item["passed"]] == []
    assert (artifacts.items[0].kind, artifacts.items[0].parents[0].kind) == ("compliance_report", "deployment")
    with tenant_context(context.solution.organization_id):
        latest = compliance_latest(context.inputs["deployment"].id)
        assert latest is not None
        assert latest.id == ref.id
        assert len(control_results(latest.id)) == len(report["controls"])
        assert latest.policy.sha256 == report["policy"]["sha256"]


def test_the_evidence_holds_counts_and_ids_and_no_text(context: StageContext, deployed: Callable[[bool], None]) -> None:
    deployed(True)
    report = SecurityStage().run(context).result["controls"]
    evidence = {item["check"]: item["evidence"] for item in report}
    assert evidence["rls_forced"]["tables"] > 20
    assert evidence["guard_redteam"]["prompts"] >= 60
    assert evidence["pii_leak"]["canaries"] >= 20
    assert "系统提示" not in json.dumps(evidence, ensure_ascii=False)


def test_a_failed_control_fails_the_stage_says_what_to_do_and_is_kept(
    context: StageContext, deployed: Callable[[bool], None]
) -> None:
    deployed(False)
    with pytest.raises(ControlsFailed) as failure:
        SecurityStage().run(context)
    name = next(c.id for c in industry_get("medical").spec.controls if c.check == "citation_required")
    assert name in failure.value.sentence("zh")
    assert "检索阈值" in failure.value.sentence("zh")
    with tenant_context(context.solution.organization_id):
        report = compliance_latest(context.inputs["deployment"].id)
        assert report is not None
        assert (report.passed, report.summary["failed"]) == (False, [name])


def test_without_a_deployment_the_stage_names_what_is_missing(context: StageContext) -> None:
    with pytest.raises(InputMissing, match="deployment"):
        SecurityStage().run(replace(context, inputs={}))


def test_a_stranger_sees_no_report(
    context: StageContext, deployed: Callable[[bool], None], other_organization: Any
) -> None:
    deployed(True)
    kept(context, SecurityStage().run(context))
    with tenant_context(other_organization.id):
        assert not ComplianceReport.objects.exists()
        assert not ControlResult.objects.exists()
        assert not GuardrailPolicyVersion.objects.exists()
        assert compliance_latest(context.inputs["deployment"].id) is None


def test_a_result_cannot_be_rewritten(context: StageContext, deployed: Callable[[bool], None]) -> None:
    deployed(True)
    ref = kept(context, SecurityStage().run(context))
    with (
        pytest.raises(ProgrammingError, match="append-only"),
        tenant_context(context.solution.organization_id),
        transaction.atomic(),
    ):
        ControlResult.objects.filter(report_id=ref.id).update(passed=True, value=1.0)


def test_a_tenant_table_without_forced_isolation_is_found(context: StageContext) -> None:
    subject = _subject(context)
    with connections["owner"].cursor() as cursor:
        cursor.execute("CREATE TABLE loose_rows (id int, organization_id uuid)")
    try:
        measured = check_get("rls_forced", control="X")(subject)
    finally:
        with connections["owner"].cursor() as cursor:
            cursor.execute("DROP TABLE loose_rows")
    assert measured.value == 0.0
    assert measured.evidence["without_forced_rls"] == ["loose_rows"]


def test_isolation_lineage_and_audit_hold_for_a_real_organization(context: StageContext) -> None:
    subject = _subject(context)
    for check in ("isolation_probe", "lineage_complete", "audit_chain", "secret_files_private"):
        assert check_get(check, control="X")(subject).value == 1.0, check


def test_a_deployment_without_parents_has_incomplete_lineage(context: StageContext) -> None:
    orphan = replace(_subject(context), deployment_id=context.run_id)
    measured = check_get("lineage_complete", control="X")(orphan)
    assert (measured.value, measured.evidence["missing"]) == (0.0, ["bundle", "document_version"])


def test_a_check_outside_the_allow_list_is_refused() -> None:
    with pytest.raises(ControlUnknown, match="MED-9"):
        check_get("os.system", control="MED-9")


def test_the_plan_counts_the_packs_controls(context: StageContext) -> None:
    plan = SecurityStage().plan(context.solution)
    controls: tuple[Control, ...] = industry_get("medical").spec.controls
    assert str(len(controls)) in plan.summary_en
    assert plan.seconds > 0
