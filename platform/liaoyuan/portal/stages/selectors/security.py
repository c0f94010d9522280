"""The security page: every control with its evidence, the attacks by class, the policy in force, what was stopped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from liaoyuan.accounts.policy import Principal, allowed
from liaoyuan.data.models import DatasetVersion
from liaoyuan.deployment.models import Deployment
from liaoyuan.operations.daily import pii_seen, traces_stopped
from liaoyuan.portal.lineage.traces import TraceRow, trace_rows
from liaoyuan.portal.stages.selectors.frame import Frame
from liaoyuan.portal.stages.words import CHECKS, SIDES, VERDICTS
from liaoyuan.security.models import ComplianceReport, ControlResult
from liaoyuan.security.redteam.sets import EVERYWHERE, Prompt, prompts
from liaoyuan.security.selectors import control_results, report_of_run
from liaoyuan.training.models import ModelVersion

MOST_STOPPED: Final = 8
SHORT: Final = 40


@dataclass(frozen=True)
class Fact:
    """One line of a control's evidence."""

    name: str
    value: str


@dataclass(frozen=True)
class ControlView:
    """One control: measured against its limit, with the evidence behind it."""

    row: ControlResult
    title: str
    at_least: bool
    evidence: Sequence[Fact]


@dataclass(frozen=True)
class AttackClass:
    """One kind of attack: how many were tried and which got through."""

    title: str
    hint: str
    tried: int
    missed: Sequence[str]

    @property
    def stopped(self) -> int:
        return self.tried - len(self.missed)


@dataclass(frozen=True)
class CheckView:
    """One check of the guardrail policy in force."""

    title: Any
    sides: str
    action: Any
    action_kind: str
    control: str
    message: str


@dataclass(frozen=True)
class SecurityPage:
    """``report`` is of the chosen run, passed or not."""

    report: ComplianceReport
    deployment: Deployment | None
    controls: Sequence[ControlView]
    passed: int
    attacks: Sequence[AttackClass]
    checks: Sequence[CheckView]
    masked: Sequence[tuple[str, int]]
    seen: Sequence[tuple[str, int]]
    stopped: Sequence[TraceRow]
    may_trace: bool


def security_page(frame: Frame, principal: Principal, language: str) -> SecurityPage | None:
    """What the chosen run proved; None while there is no report."""
    report = report_of_run(frame.run.row.id) if frame.run else None
    if report is None:
        return None
    controls = [_control(row, language) for row in control_results(report.id)]
    deployment = Deployment.objects.select_related("bundle").filter(id=report.deployment_id).first()
    may_trace = allowed(principal, "trace.view")
    return SecurityPage(
        report=report,
        deployment=deployment,
        controls=sorted(controls, key=lambda control: control.row.passed),
        passed=sum(control.row.passed for control in controls),
        attacks=attack_classes(frame.solution.industry, [control.row for control in controls]),
        checks=[_check(check, language) for check in report.policy.checks],
        masked=_masked(deployment),
        seen=pii_seen(frame.solution.id),
        stopped=trace_rows(traces_stopped(frame.solution.id)[:MOST_STOPPED], principal) if may_trace else [],
        may_trace=may_trace,
    )


def attack_classes(industry: str, controls: Sequence[ControlResult]) -> list[AttackClass]:
    """The red team's result by class; empty where the pack asks for no red team."""
    result = next((row for row in controls if row.check_kind == "guard_redteam"), None)
    if result is None:
        return []
    missed = set(result.evidence.get("missed", []))
    words = {
        "direct": (
            _("Direct injection"),
            _("A question that tries to change the assistant's rules or to draw them out."),
        ),
        "document": (_("Hidden in documents"), _("Orders to the assistant inside a document that it reads.")),
        "industry": (_("Against the industry's rules"), _("Requests that this industry's assistant must not fulfil.")),
    }
    found: dict[str, list[str]] = {name: [] for name in words}
    for prompt in prompts("attacks", industry):
        found[_class(prompt)].append(prompt.id)
    return [
        AttackClass(*words[name], tried=len(ids), missed=[each for each in ids if each in missed])
        for name, ids in found.items()
        if ids
    ]


def facts(evidence: Mapping[str, Any]) -> list[Fact]:
    """Evidence as lines: counts, names, queries; a long list by its length and its beginning."""
    return [Fact(name.replace("_", " "), _value(value)) for name, value in evidence.items()]


def _class(prompt: Prompt) -> str:
    if prompt.side == "document":
        return "document"
    return "direct" if prompt.industries == EVERYWHERE else "industry"


def _control(row: ControlResult, language: str) -> ControlView:
    title = row.title_zh if language == "zh" else row.title_en
    return ControlView(row, title, row.direction == "at_least", facts(row.evidence))


def _value(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: _("yes"), False: _("no"), None: "–"}[value]
    if isinstance(value, list):
        return _listed([str(item) for item in value])
    if isinstance(value, dict):
        return ", ".join(f"{key}: {item}" for key, item in value.items())
    return str(value)


def _listed(values: Sequence[str]) -> str:
    if not values:
        return _("none")
    more = _(" and %(count)s more") % {"count": len(values) - SHORT} if len(values) > SHORT else ""
    return ", ".join(values[:SHORT]) + more


def _check(check: Mapping[str, Any], language: str) -> CheckView:
    return CheckView(
        title=CHECKS.get(check["kind"], check["kind"]),
        sides=" · ".join(str(SIDES.get(side, side)) for side in check["sides"]),
        action=VERDICTS.get(check["action"], check["action"]),
        action_kind=check["action"],
        control=check["control"],
        message=check["message"].get(language, ""),
    )


def _masked(deployment: Deployment | None) -> list[tuple[str, int]]:
    """Personal data that was masked in the dataset behind the deployed model, by kind."""
    version = deployment.bundle.model_version_id if deployment else None
    model = ModelVersion.objects.filter(id=version).first() if version else None
    dataset = DatasetVersion.objects.filter(id=model.dataset_version_id).first() if model else None
    steps = dataset.trace if dataset else []
    found: dict[str, int] = next(
        (step["numbers"].get("masked", {}) for step in steps if step["operator"] == "mask_pii"), {}
    )
    return sorted(found.items(), key=lambda pair: -pair[1])
