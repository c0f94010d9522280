"""One evaluation as its page shows it: numbers, groups, failing questions, and the difference to another one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from liaoyuan.errors import NotFound
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.questions.configuration import changes
from liaoyuan.knowledge.questions.evaluating import rows_of
from liaoyuan.knowledge.questions.measures import SMALLER_IS_BETTER, compare, failed, grouped
from liaoyuan.knowledge.questions.models import EvaluationRow, EvaluationRun, QuestionSet
from liaoyuan.knowledge.questions.selectors import evaluation_get, evaluations_of, rows_readable
from liaoyuan.pipeline.models import StageRun
from liaoyuan.portal.evaluation.selectors import Compared, Job, Number, amount, compared, job_of, numbers_of
from liaoyuan.portal.evaluation.words import LANGUAGES, METRICS, TYPES

_GROUP_METRICS: Final = ("recall@5", "must_contain", "citation_correct", "refused_answerable")
_MOST_GROUPS: Final = 40
_MOST_ROWS: Final = 200
_MILLISECONDS: Final = frozenset({"p50_ms", "p95_ms"})


@dataclass(frozen=True)
class GroupRow:
    """A part of the questions with its numbers, one cell a metric. ``own``: the name is the questions' own word."""

    name: Any
    own: bool
    count: int
    cells: Sequence[Number | None]


@dataclass(frozen=True)
class Result:
    """``hidden`` rows rest on documents that the reader may not see; the numbers are of all rows."""

    collection: Collection
    evaluation: EvaluationRun
    job: Job | None
    numbers: Sequence[Number]
    heads: Sequence[Any]
    by_document: Sequence[GroupRow]
    by_type: Sequence[GroupRow]
    by_language: Sequence[GroupRow]
    rows: Sequence[EvaluationRow]
    filter: str
    failing: int
    total: int
    hidden: int
    others: Sequence[EvaluationRun]
    other: EvaluationRun | None
    compared: Sequence[Compared]
    changed: Sequence[tuple[str, Any, Any]]
    configuration: Mapping[str, Any]


def result(collection_id: UUID, evaluation_id: UUID, other_id: UUID | None, wanted: str) -> Result:
    """The page of one evaluation. Raises NotFound."""
    evaluation = evaluation_get(evaluation_id, collection_id)
    seen = list(rows_readable(evaluation))
    values = [row.values for row in seen]
    failing = [row for row in seen if failed(row.values)]
    others = evaluations_of(collection_id).filter(question_set_id=evaluation.question_set_id, finished_at__isnull=False)
    other = _other(evaluation, other_id)
    return Result(
        collection=evaluation.collection,
        evaluation=evaluation,
        job=_job(evaluation),
        numbers=numbers_of(evaluation.metrics, evaluation.intervals),
        heads=[METRICS[name][0] for name in _GROUP_METRICS],
        by_document=_groups(values, "document", {}),
        by_type=_groups(values, "type", TYPES),
        by_language=_groups(values, "language", LANGUAGES),
        rows=(seen if wanted == "all" else failing)[:_MOST_ROWS],
        filter="all" if wanted == "all" else "failing",
        failing=len(failing),
        total=len(seen),
        hidden=max(0, evaluation.rows.count() - len(seen)),
        others=list(others.exclude(id=evaluation.id)[:20]),
        other=other,
        compared=compared(compare(rows_of(other), rows_of(evaluation))) if other else (),
        changed=list(_leaves(changes(other.configuration, evaluation.configuration))) if other else (),
        configuration=evaluation.configuration,
    )


def _leaves(changed: Iterable[tuple[str, Any, Any]]) -> Iterator[tuple[str, str, str]]:
    """Each single value that differs, by its way: what both have alike is not said."""
    for part, before, after in changed:
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
            yield from _leaves((f"{part} · {name}", before.get(name), after.get(name)) for name in names)
        else:
            yield part, _value(before), _value(after)


def _value(value: Any) -> str:
    """Long digests by their beginning, as everywhere."""
    if value is None or value == "":
        return "–"
    return value[:12] if isinstance(value, str) and len(value) > 32 else str(value)


def _other(evaluation: EvaluationRun, other_id: UUID | None) -> EvaluationRun | None:
    if other_id is None:
        return None
    other = evaluation_get(other_id, evaluation.collection_id)
    if other.finished_at is None:
        raise NotFound
    return other


def _job(evaluation: EvaluationRun) -> Job | None:
    if evaluation.finished_at is not None or evaluation.run_id is None:
        return None
    run = StageRun.objects.filter(id=evaluation.run_id).first()
    return job_of(run) if run else None


def _groups(values: Sequence[Mapping[str, Any]], key: str, names: Mapping[str, Any]) -> list[GroupRow]:
    rows = []
    for group in grouped(values, key)[:_MOST_GROUPS]:
        measured = numbers_of(group.measured.metrics, group.measured.intervals, _GROUP_METRICS)
        by_metric = {number.metric: number for number in measured}
        cells = [by_metric.get(metric) for metric in _GROUP_METRICS]
        own = bool(names) and group.name not in names
        # What programs write for a type: multiple_choice.
        name = group.name.replace("_", " ").strip() if own else names.get(group.name, group.name)
        rows.append(GroupRow(name or "–", own, group.count, cells))
    return rows


@dataclass(frozen=True)
class ThresholdView:
    """One demand of a set in words."""

    metric: str
    name: Any
    at_least: bool
    value: str
    confident: bool


def thresholds_shown(question_set: QuestionSet) -> list[ThresholdView]:
    """What a set demands."""
    return [
        ThresholdView(
            each["metric"],
            METRICS[each["metric"]][0],
            "at_least" in each,
            amount(each["metric"], each.get("at_least", each.get("at_most"))),
            each.get("confident", False),
        )
        for each in question_set.thresholds
    ]


def threshold_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """A demand from its form: percent of most metrics, milliseconds of the latencies; which side follows the metric."""
    metric = data["metric"]
    value = data["value"] if metric in _MILLISECONDS else data["value"] / 100
    side = "at_most" if metric in SMALLER_IS_BETTER else "at_least"
    return {"metric": metric, side: value, "confident": data["confident"]}
