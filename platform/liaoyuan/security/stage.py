"""Stage 5: proves the pack's controls over a deployment and keeps the proof."""

import json
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any, ClassVar

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.industry.schemas import Control
from liaoyuan.industry.selectors import industry_get
from liaoyuan.pipeline.contract import (
    ArtifactRef,
    Artifacts,
    NewArtifact,
    Parent,
    SolutionSpec,
    StageContext,
    StageFailed,
    StageName,
    StagePlan,
)
from liaoyuan.security.controls.base import Measurement, Subject
from liaoyuan.security.controls.house import PLATFORM_CONTROLS, PlatformControl
from liaoyuan.security.controls.registry import check_get
from liaoyuan.security.packs import policy_for
from liaoyuan.security.ports import pseudonym_key
from liaoyuan.security.services import ControlOutcome, compliance_report_create, outcome_of, policy_digest

SECONDS_PER_CONTROL = 2.0


class ControlsFailed(StageFailed):
    """Every control of a pack is mandatory: one that fails keeps the deployment out of operation."""

    code = "controls_failed"
    zh = "强制控制项未通过：{controls}。{advice}"
    en = "Mandatory controls failed: {controls}. {advice}"


class SecurityStage:
    """Takes a Deployment; gives a compliance report: one result per control, each with its evidence."""

    name: ClassVar[StageName] = StageName.SECURITY
    queue: ClassVar[str] = "evaluate"

    def plan(self, solution: SolutionSpec) -> StagePlan:
        controls = industry_get(solution.industry).spec.controls
        return StagePlan(
            f"逐项验证 {len(controls)} 个控制项：隔离、护栏、红队、个人信息、引用、审计、血缘",
            f"Prove {len(controls)} controls: isolation, guardrail, red team, personal data, citations, audit, lineage",
            SECONDS_PER_CONTROL * len(controls),
        )

    def run(self, context: StageContext) -> Artifacts:
        """Run the controls in the pack's order. Raises ControlsFailed, after the report was kept."""
        subject = _subject(context)
        outcomes: list[ControlOutcome] = []
        controls: tuple[Control | PlatformControl, ...] = (*subject.pack.spec.controls, *PLATFORM_CONTROLS)
        for number, control in enumerate(controls):
            if context.cancelled():
                break
            context.progress(
                number / len(controls),
                f"验证 {control.id} {control.title.zh}",
                f"Proving {control.id} {control.title.en}",
            )
            outcomes.append(_prove(control, subject))
        _refuse_failed(context, subject, outcomes)
        return _artifacts(context, subject, outcomes)


def _subject(context: StageContext) -> Subject:
    solution = context.solution
    pack = industry_get(solution.industry)
    return Subject(
        organization_id=solution.organization_id,
        deployment_id=context.require("deployment").id,
        pack=pack,
        scenario=pack.scenario(solution.scenario),
        policy=policy_for(solution.industry, solution.scenario),
        key=pseudonym_key(f"compliance:{context.run_id}"),
    )


def _prove(control: Control | PlatformControl, subject: Subject) -> ControlOutcome:
    start = monotonic()
    measured: Measurement = check_get(control.check, control=control.id)(subject)
    return outcome_of(control, measured, seconds=monotonic() - start)


def _refuse_failed(context: StageContext, subject: Subject, outcomes: list[ControlOutcome]) -> None:
    """Keep the failed report in a transaction of its own: the run's is rolled back."""
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if not failed:
        return
    with tenant_context(subject.organization_id):
        compliance_report_create(**_report_fields(context, subject, outcomes))
    said = "；".join(f"{item.control} {item.value:.3f} ({item.direction} {item.threshold})" for item in failed)
    raise ControlsFailed(controls=said, advice=" ".join(f"{item.advice_zh} {item.advice_en}" for item in failed))


def _report_fields(context: StageContext, subject: Subject, outcomes: list[ControlOutcome]) -> dict[str, Any]:
    return {
        "organization_id": subject.organization_id,
        "solution_id": context.solution.solution_id,
        "deployment_id": subject.deployment_id,
        "run_id": context.run_id,
        "attempt": context.attempt,
        "industry": subject.pack.name,
        "scenario": subject.scenario.name,
        "policy": subject.policy,
        "outcomes": outcomes,
    }


def _artifacts(context: StageContext, subject: Subject, outcomes: list[ControlOutcome]) -> Artifacts:
    report = {
        "industry": subject.pack.name,
        "scenario": subject.scenario.name,
        "deployment": str(subject.deployment_id),
        "policy": {"version": subject.policy.version, "sha256": policy_digest(subject.policy)},
        "passed": all(outcome.passed for outcome in outcomes),
        "controls": [outcome.as_dict() for outcome in outcomes],
        "locks": [{"id": lock.id, "enforced_by": list(lock.enforced_by)} for lock in subject.pack.spec.locks],
    }
    fields = _report_fields(context, subject, outcomes)

    def keep(ref: ArtifactRef) -> None:
        compliance_report_create(report_id=ref.id, **fields)

    item = NewArtifact(
        "compliance_report",
        f"{subject.pack.name}/{subject.scenario.name} compliance",
        (Parent("deployment", subject.deployment_id, "proves"),),
        path=_written(context.workdir / "compliance-report.json", report),
        meta={"passed": report["passed"], "controls": len(outcomes)},
        save=keep,
    )
    passed = sum(outcome.passed for outcome in outcomes)
    return Artifacts(
        items=(item,),
        result={"passed": report["passed"], "controls": [outcome.as_dict() for outcome in outcomes]},
        summary_zh=f"{passed}/{len(outcomes)} 个控制项通过",
        summary_en=f"{passed}/{len(outcomes)} controls passed",
    )


def _written(path: Path, body: Mapping[str, Any]) -> Path:
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1, default=str), encoding="utf-8")
    return path
