"""What is judged: a question, what its answer should have said and from where, and what it did say."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from django.utils import timezone

from liaoyuan.errors import NotFound
from liaoyuan.knowledge.answer import Mode
from liaoyuan.knowledge.evaluate import Anchor, GateQuestion
from liaoyuan.knowledge.models import Chunk
from liaoyuan.knowledge.questions.models import EvaluationRow, EvaluationRun, TestQuestion
from liaoyuan.knowledge.questions.selectors import gate_question, questions_readable, rows_readable
from liaoyuan.knowledge.questions.services import anchor_of, place_of
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.knowledge.settings import RetrievalSettings

Place = tuple[str | None, Anchor | None]


@dataclass(frozen=True, slots=True)
class Case:
    """``answer`` None means: ask now. ``groups`` are the asker's (None: every document), ``versions`` those cited.
    ``day`` is the day asked of (None: today), ``mode`` how it was answered.

    ``literals`` are words that the answer must say, ``places`` where they stand; either may be unknown, not both.
    """

    collection_id: UUID
    question: str
    literals: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    answerable: bool = True
    answer: str | None = None
    abstained: bool = False
    versions: tuple[UUID, ...] = ()
    groups: tuple[str, ...] | None = None
    day: date | None = None
    index_id: UUID | None = None
    settings: Any = None
    mode: Mode = "extractive"
    pack: str = ""
    chunks: tuple[str, ...] = field(default=())

    @property
    def known(self) -> bool:
        """Whether it is known what the answer should have been."""
        return not self.answerable or bool(self.literals or self.places)


def case_of_text(
    *,
    collection_id: UUID,
    question: str,
    expected: str = "",
    chunk_ids: Sequence[UUID | str] = (),
    answer: str | None = None,
    abstained: bool = False,
    versions: Sequence[UUID] = (),
    groups: tuple[str, ...] | None = None,
    answerable: bool = True,
    chunks: Sequence[str] = (),
    mode: Mode = "extractive",
) -> Case:
    """A case from what a person typed or pointed at. Raises NotFound for a chunk that the caller may not read."""
    wanted = [UUID(str(key)) for key in chunk_ids]
    rows = Chunk.objects.select_related("version__document").filter(
        id__in=wanted, collection_id=collection_id, version__in=versions_readable()
    )
    found = list(rows)
    if len(found) != len(set(wanted)):
        raise NotFound
    return Case(
        collection_id=collection_id,
        question=question.strip(),
        literals=tuple(line.strip() for line in expected.splitlines() if line.strip()),
        places=tuple((place_of(chunk), Anchor(**anchor_of(chunk))) for chunk in found),
        answerable=answerable,
        answer=answer,
        abstained=abstained,
        versions=tuple(versions),
        groups=groups,
        chunks=tuple(chunks),
        mode=mode,
    )


def case_of_question(question: TestQuestion, **more: Any) -> Case:
    """A case from a test question: its evidence and literals are what was expected."""
    return _case(question.question_set.collection_id, gate_question(question), **more)


def case_of_row(row: EvaluationRow) -> Case:
    """A case from one row of an evaluation, under the configuration of that evaluation. Raises NotFound."""
    evaluation = row.evaluation
    if not rows_readable(evaluation).filter(id=row.id).exists():
        raise NotFound
    question = questions_readable(evaluation.collection_id).filter(id=row.question_id).first()
    values, told = row.values, evaluation.configuration
    cited = tuple(citation["chunk_id"] for citation in values["citations"])
    versions = Chunk.objects.filter(id__in=cited).values_list("version_id", flat=True).distinct()
    asked = gate_question(question) if question is not None else _asked(values)
    return _case(
        evaluation.collection_id,
        asked,
        answer=values["answer"],
        abstained=values["abstained"],
        versions=tuple(versions),
        index_id=UUID(told["index"]["id"]) if told["index"]["named"] else None,
        settings=RetrievalSettings.model_validate(told["retrieval"]) if told["retrieval_named"] else None,
        mode=told["mode"],
        pack=told["pack"],
        chunks=cited,
        day=asked.day or _day(evaluation),
    )


def _day(evaluation: EvaluationRun) -> date | None:
    """The day that the evaluation was asked to look at; one of its own today looks at the today of the reader."""
    day = date.fromisoformat(evaluation.configuration["day"])
    return None if day == timezone.localdate(evaluation.created_at) else day


def _asked(values: dict[str, Any]) -> GateQuestion:
    return GateQuestion(
        id=values["id"],
        question=values["question"],
        evidence=tuple(values["evidence"]),
        must_contain=tuple(values.get("wanted", ())),
        answerable=values["answerable"],
        date=values.get("date", ""),
    )


def _case(collection_id: UUID, asked: GateQuestion, **more: Any) -> Case:
    return Case(
        collection_id=collection_id,
        question=asked.question,
        literals=asked.must_contain,
        places=tuple(asked.places),
        answerable=asked.answerable,
        **{"day": asked.day, **more},
    )
