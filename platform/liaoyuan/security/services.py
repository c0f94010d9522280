"""Verbs of the security stage: keep what a compliance run found."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID, uuid4

from liaoyuan.accounts.services import audit_record
from liaoyuan.industry.schemas import Control
from liaoyuan.security.controls.base import Measurement
from liaoyuan.security.controls.house import PlatformControl
from liaoyuan.security.guard.policy import CompiledPolicy
from liaoyuan.security.models import ComplianceReport, ControlResult, GuardrailPolicyVersion


@dataclass(frozen=True)
class ControlOutcome:
    """One control, measured: `direction` says on which side of `threshold` the `value` must lie."""

    control: str
    check: str
    title_zh: str
    title_en: str
    source: str
    value: float
    threshold: float
    direction: str
    passed: bool
    seconds: float
    evidence: dict[str, Any]
    advice_zh: str
    advice_en: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def outcome_of(control: Control | PlatformControl, measured: Measurement, *, seconds: float) -> ControlOutcome:
    """Hold a measurement against its control; a yes-or-no check must measure 1.0."""
    upper = control.at_most is not None
    threshold = control.at_most if control.at_most is not None else control.at_least
    return ControlOutcome(
        control=control.id,
        check=control.check,
        title_zh=control.title.zh,
        title_en=control.title.en,
        source=control.source,
        value=round(measured.value, 4),
        threshold=1.0 if threshold is None else threshold,
        direction="at_most" if upper else "at_least",
        passed=control.passed(measured.value),
        seconds=round(seconds, 3),
        evidence=dict(measured.evidence),
        advice_zh=measured.advice_zh,
        advice_en=measured.advice_en,
    )


def policy_digest(policy: CompiledPolicy) -> str:
    """SHA-256 over everything in a policy that decides: checks, topics with their patterns, words."""
    body = {
        "version": policy.version,
        "checks": [check.model_dump(mode="json") for check in policy.checks],
        "topics": [
            {
                "name": topic.name,
                "action": topic.action,
                "answer": topic.answer,
                "patterns": [p.pattern for p in topic.patterns],
            }
            for topic in policy.topics
        ],
        "words": [asdict(word) for word in policy.keywords.keywords],
    }
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def compliance_report_create(
    *,
    organization_id: UUID,
    solution_id: UUID,
    deployment_id: UUID,
    run_id: UUID,
    attempt: int,
    industry: str,
    scenario: str,
    policy: CompiledPolicy,
    outcomes: list[ControlOutcome],
    report_id: UUID | None = None,
) -> ComplianceReport:
    """Write a report with its controls and the policy version it measured. Call inside the tenant's context."""
    version, _ = GuardrailPolicyVersion.objects.get_or_create(
        organization_id=organization_id,
        industry=industry,
        scenario=scenario,
        sha256=policy_digest(policy),
        defaults={
            "version": policy.version[:200],
            "checks": [check.model_dump(mode="json") for check in policy.checks],
        },
    )
    passed = all(outcome.passed for outcome in outcomes)
    report = ComplianceReport.objects.create(
        id=report_id or uuid4(),
        organization_id=organization_id,
        solution_id=solution_id,
        deployment_id=deployment_id,
        run_id=run_id,
        attempt=attempt,
        policy=version,
        passed=passed,
        summary={"controls": len(outcomes), "failed": [outcome.control for outcome in outcomes if not outcome.passed]},
    )
    ControlResult.objects.bulk_create(_row(organization_id, report, outcome) for outcome in outcomes)
    audit_record(
        action="security.report",
        object_kind="compliance_report",
        object_id=str(report.id),
        detail={"passed": passed, "failed": report.summary["failed"], "policy": version.sha256},
    )
    return report


def _row(organization_id: UUID, report: ComplianceReport, outcome: ControlOutcome) -> ControlResult:
    return ControlResult(
        organization_id=organization_id,
        report=report,
        control=outcome.control,
        check_kind=outcome.check,
        title_zh=outcome.title_zh,
        title_en=outcome.title_en,
        source=outcome.source[:300],
        value=outcome.value,
        threshold=outcome.threshold,
        direction=outcome.direction,
        passed=outcome.passed,
        seconds=outcome.seconds,
        evidence=outcome.evidence,
    )
