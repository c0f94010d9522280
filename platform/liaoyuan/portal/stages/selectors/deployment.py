"""The deployment page: what is deployed, what it had to pass, who let it go live, and where its traffic goes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _

from liaoyuan.accounts.models import User
from liaoyuan.accounts.policy import Principal, allowed
from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.data.models import DatasetVersion
from liaoyuan.deployment.models import Bundle, Deployment, DeploymentState, Route
from liaoyuan.deployment.selectors import bundle_usable, deployments_of, gate_report_of, route_of
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.models import Collection
from liaoyuan.pipeline.models import StageRun
from liaoyuan.portal.stages.intervals import wilson
from liaoyuan.portal.stages.selectors.frame import Frame
from liaoyuan.portal.stages.words import GATES
from liaoyuan.training.models import ModelVersion

Row = Mapping[str, Any]
FIVE: Final = 5
# Of which questions a share is the share, and which of them count against it.
CONCERNS: Final[dict[str, Callable[[Row], bool]]] = {
    "recall@1": lambda row: row["answerable"] and bool(row["evidence"]),
    "recall@5": lambda row: row["answerable"] and bool(row["evidence"]),
    "recall@10": lambda row: row["answerable"] and bool(row["evidence"]),
    "citation_correct": lambda row: row["answerable"] and not row["abstained"],
    "citation_valid": lambda row: bool(row["citations"]),
    "must_contain": lambda row: row["answerable"] and row["must_contain"] is not None,
    "abstained_unanswerable": lambda row: not row["answerable"],
    "refused_answerable": lambda row: row["answerable"],
}
FAILS: Final[dict[str, Callable[[Row], bool]]] = {
    "recall@1": lambda row: _worst(row) > 1,
    "recall@5": lambda row: _worst(row) > FIVE,
    "recall@10": lambda row: _worst(row) > 2 * FIVE,
    "citation_correct": lambda row: not any(citation["correct"] for citation in row["citations"]),
    "must_contain": lambda row: row["must_contain"] is False,
    "abstained_unanswerable": lambda row: not row["abstained"],
    "refused_answerable": lambda row: bool(row["abstained"]),
}


@dataclass(frozen=True)
class GateView:
    """One gate. ``low`` and ``high`` bound the value with 95 % confidence; ``questions`` is on how many it rests."""

    name: str
    title: Any
    hint: Any
    metric: str
    value: float | None
    threshold: float
    at_least: bool
    passed: bool
    applies: bool
    questions: int
    low: float | None
    high: float | None
    failing: Sequence[Row]
    # The collection's own question set that was asked; "" for the pack's examination.
    question_set: str

    @property
    def share(self) -> bool:
        """Whether the value is a share of questions, to be shown in percent."""
        return self.metric in CONCERNS or self.metric.startswith("parity")


@dataclass(frozen=True)
class Part:
    """One of the four parts of a bundle: what it is called here and the hash that fixes it."""

    title: str
    name: str
    digest: str
    kind: str = ""
    id: str = ""


@dataclass(frozen=True)
class Live:
    """One deployment, live or retired; ``weight`` is its share of the traffic in percent."""

    deployment: Deployment
    by: str
    weight: int
    current: bool
    may_return: bool


@dataclass(frozen=True)
class DeploymentPage:
    """``bundle`` is None while the run waits or where its gates failed; the gates are there once they were measured."""

    bundle: Bundle | None
    parts: Sequence[Part]
    changed: Sequence[str]
    gates: Sequence[GateView]
    passed: int
    source: str
    questions: int
    withheld: bool
    approval: Mapping[str, Any]
    approver: str
    approved_at: datetime | None
    history: Sequence[Live]
    route: Route | None
    address: str
    collection: UUID | None

    @property
    def failing(self) -> bool:
        return any(gate.failing for gate in self.gates)


def deployment_page(frame: Frame, principal: Principal, origin: str) -> DeploymentPage:
    """The chosen run's bundle and gates, and what is live of the solution; ``origin`` is where callers reach us."""
    run = frame.run.row if frame.run else None
    report = gate_report_of(run) if run else {}
    history = deployments_of(frame.solution.id)
    bundle = _bundle(run, history)
    visible = bundle_usable(bundle) if bundle else _sees_everything()
    names = _names([str(deployment.approved_by) for deployment in history])
    route = route_of(frame.solution.id)
    approval, approved_at = _approval(run, bundle, history)
    sets = {each["name"]: each for each in report.get("sets", [])}
    gates = [gate_view(gate, _rows(gate, report, sets) if visible else [], sets) for gate in report.get("gates", [])]
    return DeploymentPage(
        bundle=bundle,
        parts=_parts(bundle) if bundle else [],
        changed=_changed(bundle, history),
        gates=gates,
        passed=sum(gate.passed for gate in gates),
        source=str(report.get("source", "")),
        questions=int(report.get("questions", 0)),
        withheld=bool(report.get("rows")) and not visible,
        approval=approval,
        approver=names.get(str(approval.get("by", "")), ""),
        approved_at=approved_at,
        history=_history(history, route, names, principal),
        route=route,
        address=f"{origin}/v1",
        collection=frame.solution.collection_id,
    )


def _rows(gate: Row, report: Row, sets: Mapping[str, Row]) -> Sequence[Row]:
    """The rows that a gate was measured on; of a question set those that somebody should look at."""
    name = gate.get("questions")
    return list(sets.get(name, {}).get("rows", ())) if name else list(report.get("rows", []))


def gate_view(gate: Row, rows: Sequence[Row], sets: Mapping[str, Row]) -> GateView:
    """One gate with its confidence and the questions that it failed."""
    metric = gate["metric"]
    title, hint = GATES.get(metric, (gate["name"], ""))
    concerned = [row for row in rows if metric in CONCERNS and CONCERNS[metric](row)]
    value = gate["value"]
    bounds = wilson(value, len(concerned)) if value is not None else None
    fails = FAILS.get(metric)
    if gate.get("questions"):
        title = f"{gate['questions']}: {title}"
        bounds = (gate["low"], gate["high"]) if gate.get("low") is not None else None
    return GateView(
        name=gate["name"],
        title=title,
        hint=hint,
        metric=metric,
        value=value,
        threshold=gate["threshold"],
        at_least=gate["direction"] == "at_least",
        passed=gate["passed"],
        applies=gate.get("applies", True),
        questions=gate.get("n") or len(concerned),
        low=bounds[0] if bounds else None,
        high=bounds[1] if bounds else None,
        failing=[row for row in concerned if fails and fails(row)],
        question_set=str(sets.get(gate.get("questions", ""), {}).get("id", "")),
    )


def _worst(row: Row) -> float:
    """The rank at which the last of the evidence was found; infinite where some was not."""
    return max((float("inf") if rank is None else rank for rank in row["ranks"]), default=0)


def _sees_everything() -> bool:
    """A bundle that is not there yet has no groups to ask for."""
    return current_tenant().groups is None


def _bundle(run: StageRun | None, history: Sequence[Deployment]) -> Bundle | None:
    made = {item["id"] for item in run.result.get("artifacts", [])} if run else set()
    return next((each.bundle for each in history if str(each.bundle_id) in made), None)


def _parts(bundle: Bundle) -> list[Part]:
    body = bundle.body
    collection = Collection.objects.filter(id=bundle.collection_id).first()
    version = ModelVersion.objects.filter(id=bundle.model_version_id).first() if bundle.model_version_id else None
    data = DatasetVersion.objects.filter(id=version.dataset_version_id).first() if version else None
    documents = len(body.get("document_versions", []))
    taught = _("taught by dataset version %(number)s") % {"number": data.number} if data else ""
    return [
        Part(
            _("Documents"),
            _("%(name)s, %(count)s documents in force") % {"name": collection or "–", "count": documents},
            "",
            "collection",
            str(bundle.collection_id),
        ),
        Part(
            _("Model"),
            " · ".join(filter(None, [bundle.model, taught or _("base model with retrieval alone")])),
            body.get("adapter_sha256", ""),
            "model_version" if version else "",
            str(bundle.model_version_id or ""),
        ),
        Part(_("Prompts"), f"{bundle.industry} {body.get('industry_version', '')}", body.get("prompts_sha256", "")),
        Part(_("Guardrail policy"), f"{bundle.industry}/{bundle.scenario}", body.get("guardrail_sha256", "")),
    ]


def _changed(bundle: Bundle | None, history: Sequence[Deployment]) -> list[str]:
    """What a bundle changed against the one before it."""
    if bundle is None:
        return []
    before = max((each.bundle for each in history if each.bundle.number < bundle.number), key=_number, default=None)
    if before is None:
        return []
    old, new = before.body, bundle.body
    titles = {
        "document_versions": _("Documents"),
        "adapter_sha256": _("Model"),
        "prompts_sha256": _("Prompts"),
        "guardrail_sha256": _("Guardrail policy"),
        "retrieval": _("Search settings"),
        "answerer": _("How it answers"),
    }
    return [title for key, title in titles.items() if old.get(key) != new.get(key)]


def _number(bundle: Bundle) -> int:
    return bundle.number


def _approval(
    run: StageRun | None, bundle: Bundle | None, history: Sequence[Deployment]
) -> tuple[Mapping[str, Any], datetime | None]:
    """Who let it go live: from the deployment, or from the run that was approved and is about to."""
    live = next((each for each in history if bundle and each.bundle_id == bundle.id), None)
    if live is not None:
        return {"by": str(live.approved_by), "note": live.note}, live.approved_at
    return (dict(run.checkpoint.get("approval") or {}) if run else {}), None


def _names(ids: Sequence[str]) -> dict[str, str]:
    found = User.objects.filter(id__in=set(ids)).values_list("id", "name", "email") if ids else []
    return {str(key): name or email for key, name, email in found}


def _history(
    deployments: Sequence[Deployment], route: Route | None, names: Mapping[str, str], principal: Principal
) -> list[Live]:
    weights: dict[UUID, int] = {target.deployment_id: target.weight for target in route.targets.all()} if route else {}
    may = allowed(principal, "deployment.rollback") and len(deployments) > 1
    return [
        Live(
            deployment=each,
            by=names.get(str(each.approved_by), ""),
            weight=weights.get(each.id, 0),
            current=each.state == DeploymentState.LIVE,
            may_return=may and weights.get(each.id, 0) < 100,
        )
        for each in deployments
    ]


def deployment_of(solution_id: UUID, identifier: str) -> Deployment:
    """The deployment ``identifier`` of this very solution. Raises NotFound."""
    found = next((each for each in deployments_of(solution_id) if str(each.id) == identifier), None)
    if found is None:
        raise NotFound
    return found
