"""The plan of a draft: what will be done, for how long and for how much, what it needs, and whom it will wait for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from liaoyuan.accounts.models import Member, Role
from liaoyuan.accounts.policy import POLICY, Principal, allowed
from liaoyuan.compute.inventory import inventory_probe
from liaoyuan.compute.plan import DISK_NEEDED, Plan, plan_make
from liaoyuan.compute.prices import price_book
from liaoyuan.compute.selectors import memory_reserved
from liaoyuan.errors import LiaoyuanError
from liaoyuan.industry.schemas import ScenarioSpec
from liaoyuan.industry.selectors import industry_get
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.pipeline.base_models import base_model
from liaoyuan.pipeline.contract import PIPELINE_STAGES, SolutionSpec, StageName
from liaoyuan.pipeline.models import DocumentSource, RunState, SolutionDraft, StageRun
from liaoyuan.pipeline.registry import stage_get
from liaoyuan.pipeline.waiting import worker_slots
from liaoyuan.portal.solutions.board import ImportView, import_view
from liaoyuan.portal.solutions.words import STAGES, duration
from liaoyuan.portal.stages.words import PURPOSES

# Measured on two cores: most of an import is embedding.
SECONDS_A_FILE: Final = 4.0
ADVICE: Final[dict[str, Any]] = {
    "batch_tokens": _("train with fewer tokens a step: {value}"),
    "weights": _("keep the frozen weights in {value}"),
    "memory+": _("give this machine {value} more memory"),
}


@dataclass(frozen=True)
class PlanStage:
    """One line of the plan; ``runs`` past runs stand behind ``seconds``, 0 means the shipped first estimate."""

    position: int
    title: Any
    purpose: Any
    summary: str
    seconds: float
    runs: int
    waits_for_approval: bool
    served: bool

    @property
    def lasts(self) -> str:
        return duration(self.seconds)


@dataclass(frozen=True)
class Documents:
    """What the solution will rest on. ``files`` are counted as far as they are known."""

    source: str
    name: str
    collection_id: UUID | None
    files: int
    imports: Sequence[ImportView]
    seconds: float


@dataclass(frozen=True)
class PlanView:
    """The whole."""

    stages: Sequence[PlanStage]
    documents: Documents
    seconds: float
    ready_at: datetime
    cost: float
    currency: str
    needed_bytes: int
    available_bytes: int
    disk_needed_bytes: int
    disk_free_bytes: int
    cores: float
    engine: str
    fits: bool
    advice: Sequence[str]
    model: str
    quoted: Sequence[str]
    approvers: Sequence[str]
    approver_is_reader: bool

    @property
    def lasts(self) -> str:
        return duration(self.seconds)

    @property
    def unserved(self) -> bool:
        """Whether a stage would wait for a worker that is not there."""
        return not all(stage.served for stage in self.stages)

    @property
    def idle(self) -> bool:
        """Whether nobody works at all: said once, and not at every stage."""
        return not any(stage.served for stage in self.stages)

    @property
    def memory_percent(self) -> int:
        return min(round(100 * self.needed_bytes / max(self.available_bytes, 1)), 100)


def plan_view(draft: SolutionDraft, principal: Principal, language: str) -> PlanView:
    """Needs the tenant context. Raises IndustryError where the pack is gone or refused."""
    scenario = industry_get(draft.industry).scenario(draft.scenario)
    spec = _spec(draft)
    documents = documents_of(draft, principal, language)
    made = plan_make(
        spec,
        inventory=inventory_probe(folder=Path(settings.VAR), ray_url=settings.RAY_URL, ray_token=settings.RAY_TOKEN),
        book=price_book(Path(settings.VAR)),
        reserved_bytes=memory_reserved(except_solution=draft.id),
    )
    seconds = made.seconds + documents.seconds
    return PlanView(
        stages=_stages(spec, made, language),
        documents=documents,
        seconds=seconds,
        ready_at=timezone.now() + timedelta(seconds=seconds),
        cost=made.cost,
        currency=made.currency,
        needed_bytes=made.fit.needed_bytes,
        available_bytes=made.fit.available_bytes,
        disk_needed_bytes=DISK_NEEDED,
        disk_free_bytes=made.inventory.disk_free_bytes,
        cores=made.inventory.cores,
        engine=made.engine,
        fits=made.fit.fits,
        advice=[_advice(each) for each in made.fit.advice],
        model=made.model.name,
        quoted=_quoted(scenario),
        approvers=_approvers(),
        approver_is_reader=allowed(principal, "deployment.approve"),
    )


def documents_of(draft: SolutionDraft, principal: Principal, language: str) -> Documents:
    """The documents of the draft as they stand now."""
    collection = Collection.objects.filter(id=draft.collection_id).first() if draft.collection_id else None
    runs = list(StageRun.objects.filter(id__in=draft.imports).order_by("created_at"))
    coming = [run for run in runs if run.state != RunState.SUCCEEDED]
    if draft.source == DocumentSource.SAMPLE:
        files = len(industry_get(draft.industry).documents.documents)
        return Documents(draft.source, "", None, files, (), files * SECONDS_A_FILE)
    files = _files(collection) if collection else 0
    left = sum(max((run.eta - timezone.now()).total_seconds(), 0) if run.eta else SECONDS_A_FILE for run in coming)
    return Documents(
        source=draft.source,
        name=collection.name if collection else "",
        collection_id=collection.id if collection else None,
        files=files,
        imports=[import_view(run, principal, language) for run in runs],
        seconds=left,
    )


def _files(collection: Collection) -> int:
    readable = versions_readable().filter(document__collection=collection, document__erased_at__isnull=True)
    return readable.values("document_id").distinct().count()


def _spec(draft: SolutionDraft) -> SolutionSpec:
    return SolutionSpec(
        organization_id=draft.organization_id,
        solution_id=draft.id,
        industry=draft.industry,
        scenario=draft.scenario,
        collection_id=draft.collection_id,
        requested_by=draft.user_id,
    )


def _stages(spec: SolutionSpec, made: Plan, language: str) -> list[PlanStage]:
    slots = {queue: worker_slots(queue) for queue in {stage_get(name).queue for name in PIPELINE_STAGES}}
    found = []
    for number, estimate in enumerate(made.stages, start=1):
        stage = stage_get(estimate.stage)
        found.append(
            PlanStage(
                position=number,
                title=STAGES[estimate.stage],
                purpose=PURPOSES[estimate.stage],
                summary=_summary(spec, estimate.stage, language),
                seconds=estimate.seconds,
                runs=estimate.runs,
                waits_for_approval=estimate.stage == StageName.DEPLOYMENT,
                served=slots[stage.queue] > 0,
            )
        )
    return found


def _summary(spec: SolutionSpec, stage: str, language: str) -> str:
    """The stage's own words about what it will do; why it cannot say, where it cannot."""
    if stage == StageName.COMPUTE:
        # Its plan is the whole page.
        return ""
    try:
        plan = stage_get(stage).plan(spec)
    except LiaoyuanError as error:
        return error.sentence(language)
    return plan.summary_zh if language == "zh" else plan.summary_en


def _quoted(scenario: ScenarioSpec) -> list[str]:
    """The languages in which the base model cannot write, so that answers quote instead."""
    if settings.CHAT_URL:
        return []
    writes = base_model(scenario.training.base_model).languages
    return [language for language in scenario.languages if language not in writes]


def _approvers() -> list[str]:
    roles = [role for role in Role if "deployment.approve" in POLICY[role]]
    members = Member.objects.filter(role__in=roles, disabled_at__isnull=True).select_related("user")
    return [member.user.name or member.user.email for member in members.order_by("created_at")[:5]]


def _advice(text: str) -> str:
    key, _equals, value = text.partition("=")
    return str(ADVICE[key]).format(value=value) if key in ADVICE else text
