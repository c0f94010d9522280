"""What the evaluation's pages show, ready for their templates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.urls import reverse

from liaoyuan.accounts.policy import Principal, allowed
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.questions.measures import SHOWN, SMALLER_IS_BETTER, Difference
from liaoyuan.knowledge.questions.models import EvaluationRun, QuestionSet, SetState, TestQuestion
from liaoyuan.knowledge.questions.selectors import evaluations_of, questions_readable, sets_of
from liaoyuan.pipeline.models import FINAL_STATES, StageRun
from liaoyuan.portal.away import Watch, watch
from liaoyuan.portal.door import language
from liaoyuan.portal.evaluation.charts import history_option
from liaoyuan.portal.evaluation.words import METRICS, SET_STATES

PAGE: Final = 25
_RECENT: Final = 12
_LATEST: Final = 6
_HEADLINE: Final = ("recall@5", "must_contain", "citation_correct", "abstained_unanswerable", "refused_answerable")
_MILLISECONDS: Final = frozenset({"p50_ms", "p95_ms"})


def verdict_address(who: Principal, trace_id: UUID, collection_id: UUID | None) -> str:
    """Where somebody learns why this answer was bad; empty where he may not, or where no collection was searched."""
    if collection_id is None or not allowed(who, "question.edit"):
        return ""
    return f"{reverse('verdict', args=[collection_id])}?trace={trace_id}"


@dataclass(frozen=True)
class Rights:
    """What the reader may do here; the services ask again."""

    edit: bool
    run: bool
    gate: bool

    @classmethod
    def of(cls, principal: Principal) -> "Rights":
        return cls(
            allowed(principal, "question.edit"),
            allowed(principal, "evaluation.run"),
            allowed(principal, "collection.settings"),
        )


@dataclass(frozen=True)
class Number:
    """One metric as it is shown: "0.91 (0.84–0.95)"."""

    metric: str
    name: Any
    hint: Any
    value: str
    interval: str
    smaller: bool = False


@dataclass(frozen=True)
class Job:
    """A run of ours that has not ended, or that ended badly: where it stands and why."""

    id: UUID
    badge: str
    line: str
    said: str
    percent: int | None
    ended: bool
    error: str


@dataclass(frozen=True)
class RunRow:
    """One evaluation in the list."""

    evaluation: EvaluationRun
    numbers: Sequence[Number]
    badge: str
    at: datetime


@dataclass(frozen=True)
class Overview:
    """The page of a collection's evaluation."""

    collection: Collection
    sets: Sequence[QuestionSet]
    chosen: QuestionSet | None
    latest: EvaluationRun | None
    headline: Sequence[Number]
    runs: Sequence[RunRow]
    jobs: Sequence[Job]
    history: Mapping[str, Any] | None
    waiting: int
    watch: Watch

    @property
    def working(self) -> Job | None:
        return next((job for job in self.jobs if not job.ended), None)


def collection_get(collection_id: UUID) -> Collection:
    """Raises NotFound."""
    found = Collection.objects.filter(id=collection_id).first()
    if found is None:
        raise NotFound
    return found


def overview(collection_id: UUID, chosen_id: UUID | None = None) -> Overview:
    """Everything on the first page; the chart and the headline are of the chosen set, else of the one last measured."""
    collection = collection_get(collection_id)
    sets = list(sets_of(collection_id))
    finished = list(evaluations_of(collection_id).filter(finished_at__isnull=False)[:200])
    chosen = _chosen(sets, chosen_id, finished)
    of_set = [run for run in finished if chosen is not None and run.question_set_id == chosen.id]
    latest = of_set[0] if of_set else None
    waiting = questions_readable(collection_id).filter(state="proposed").count()
    return Overview(
        collection,
        sets,
        chosen,
        latest,
        numbers_of(latest.metrics, latest.intervals, _HEADLINE) if latest else (),
        [_run_row(run) for run in evaluations_of(collection_id)[:_RECENT]],
        jobs_of(collection_id),
        history_option(list(reversed(of_set))) if len(of_set) > 1 else None,
        waiting,
        watch(runs_of(collection_id)),
    )


def _chosen(sets: Sequence[QuestionSet], wanted: UUID | None, finished: Sequence[EvaluationRun]) -> QuestionSet | None:
    by_id = {each.id: each for each in sets}
    if wanted in by_id:
        return by_id[wanted]
    for run in finished:
        if run.question_set_id in by_id:
            return by_id[run.question_set_id]
    return next((each for each in sets if each.state != SetState.RETIRED), None)


def _run_row(run: EvaluationRun) -> RunRow:
    shown = numbers_of(run.metrics, run.intervals, _HEADLINE[:3]) if run.finished_at else ()
    ledger = StageRun.objects.filter(id=run.run_id).first() if run.run_id else None
    badge = "succeeded" if run.finished_at else (ledger.state if ledger else "failed")
    return RunRow(run, shown, badge, run.finished_at or run.created_at)


def runs_of(collection_id: UUID) -> list[StageRun]:
    """The last evaluations and syntheses of the collection, newest first."""
    found = StageRun.objects.filter(stage="evaluate", spec__collection_id=str(collection_id))
    return list(found.order_by("-created_at")[:_LATEST])


def jobs_of(collection_id: UUID) -> list[Job]:
    """The collection's evaluations and syntheses under way, and the last one that ended badly."""
    runs = runs_of(collection_id)
    jobs = [job_of(run) for run in runs if run.state not in FINAL_STATES]
    if not jobs and runs and runs[0].state in {"failed", "errored", "dead"}:
        jobs = [job_of(runs[0])]
    return jobs


def job_of(run: StageRun) -> Job:
    """A run as the page tells of it."""
    zh = language() == "zh"
    said = (run.message_zh or run.wait_reason_zh) if zh else (run.message_en or run.wait_reason_en)
    error = str(run.error.get("zh" if zh else "en", "")) if run.error else ""
    percent = round(100 * run.progress) if run.state == "running" else None
    name = str(run.spec.get("name", ""))
    line = f"{name}: {said}" if said else name
    return Job(run.id, run.state, line, said, percent, run.state in FINAL_STATES, error)


def numbers_of(
    metrics: Mapping[str, Any], intervals: Mapping[str, Sequence[float]], wanted: Sequence[str] = SHOWN
) -> list[Number]:
    """Metrics in the order of ``wanted``; those that nothing was measured for are left out."""
    found = []
    for metric in wanted:
        value = metrics.get(metric)
        if value is None:
            continue
        name, hint = METRICS[metric]
        bounds = intervals.get(metric)
        shown = f"{amount(metric, bounds[0])} – {amount(metric, bounds[1])}" if bounds else ""
        found.append(Number(metric, name, hint, amount(metric, value), shown, metric in SMALLER_IS_BETTER))
    return found


def amount(metric: str, value: float) -> str:
    """A metric's value as people read it."""
    if metric in _MILLISECONDS:
        return f"{value:.0f} ms"
    return f"{value:.3f}" if metric in {"mrr", "ndcg@10"} else f"{100 * value:.1f} %"


@dataclass(frozen=True)
class Compared:
    """One metric in two runs."""

    name: Any
    before: str
    after: str
    difference: str
    interval: str
    n: int
    verdict: str


def compared(differences: Sequence[Difference]) -> list[Compared]:
    """Differences with their sign; ``verdict`` is better, worse or "" where the interval holds 0."""
    found = []
    for item in differences:
        verdict = "" if item.better is None else ("better" if item.better else "worse")
        bounds = f"{_signed(item.metric, item.low)} … {_signed(item.metric, item.high)}"
        name = METRICS[item.metric][0]
        found.append(
            Compared(
                name,
                amount(item.metric, item.before),
                amount(item.metric, item.after),
                _signed(item.metric, item.difference),
                bounds,
                item.n,
                verdict,
            )
        )
    return found


def _signed(metric: str, value: float) -> str:
    shown = amount(metric, abs(value))
    return f"{'−' if value < 0 else '+'}{shown}"


def questions_page(question_set: QuestionSet, state: str, number: int) -> Page[TestQuestion]:
    """One page of a set's questions in one state."""
    rows = questions_readable(question_set.collection_id).filter(question_set=question_set)
    return Paginator(rows.filter(state=state) if state else rows, PAGE).get_page(number)


def set_badge(question_set: QuestionSet) -> tuple[str, Any]:
    """The badge and the word of a set's state."""
    return SET_STATES[question_set.state]
