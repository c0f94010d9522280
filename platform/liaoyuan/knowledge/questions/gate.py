"""A collection's own questions as a gate: what its approved sets measure now, against what they demand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Q

from liaoyuan.knowledge.evaluate import collection_evaluate
from liaoyuan.knowledge.questions.configuration import digest, questions_digest
from liaoyuan.knowledge.questions.measures import Metrics
from liaoyuan.knowledge.questions.models import QuestionSet, SetState
from liaoyuan.knowledge.questions.selectors import set_questions
from liaoyuan.knowledge.text.synonyms import Synonyms


@dataclass(frozen=True, slots=True)
class SetMeasured:
    """What one approved set measured. ``thresholds`` are those that people set on the platform."""

    set_id: UUID
    name: str
    count: int
    metrics: Metrics
    intervals: dict[str, list[float]]
    thresholds: Sequence[dict[str, Any]] = ()
    rows: list[dict[str, Any]] = field(default_factory=list)

    def held(self, threshold: dict[str, Any]) -> bool:
        """Whether a threshold is kept; a confident one by the worse end of the interval, not by the value alone."""
        metric = threshold["metric"]
        value = self.metrics.get(metric)
        if value is None:
            return False
        if threshold.get("confident") and metric in self.intervals:
            low, high = self.intervals[metric]
            value = high if "at_most" in threshold else low
        if "at_most" in threshold:
            return value <= float(threshold["at_most"])
        return value >= float(threshold["at_least"])


def sets_in_force(collection_id: UUID, names: Sequence[str] = ()) -> list[QuestionSet]:
    """The approved sets that demand something, and those that a pack's gate calls by name."""
    rows = QuestionSet.objects.filter(collection_id=collection_id, state=SetState.APPROVED).order_by("name")
    return list(rows.filter(~Q(thresholds=[]) | Q(name__in=list(names))))


def sets_digest(collection_id: UUID, names: Sequence[str] = ()) -> str:
    """Changes with every question and threshold of the sets in force; "" where there are none."""
    sets = sets_in_force(collection_id, names)
    parts = [[str(each.id), each.thresholds, questions_digest(set_questions(each.id))] for each in sets]
    return digest(parts) if parts else ""


def sets_measure(
    collection_id: UUID, names: Sequence[str] = (), *, synonyms: Synonyms | None = None
) -> list[SetMeasured]:
    """Ask the sets in force, inside the current tenant context."""
    measured = []
    for each in sets_in_force(collection_id, names):
        questions = set_questions(each.id)
        if not questions:
            continue
        found = collection_evaluate(collection_id, questions, synonyms=synonyms)
        measured.append(
            SetMeasured(each.id, each.name, len(questions), found.metrics, found.intervals, each.thresholds, found.rows)
        )
    return measured
