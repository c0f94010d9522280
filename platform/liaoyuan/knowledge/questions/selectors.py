"""Questions about question sets and evaluations; nothing here writes.

A question or a row that rests on a document which the caller may not read is not there for the caller.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.evaluate import Anchor, GateQuestion
from liaoyuan.knowledge.questions.models import (
    EvaluationRow,
    EvaluationRun,
    QuestionSet,
    QuestionState,
    SetState,
    TestQuestion,
)
from liaoyuan.knowledge.rights import versions_readable


def sets_of(collection_id: UUID) -> QuerySet[QuestionSet]:
    """The collection's sets with how many questions of each state they hold, by name."""
    counts = {f"n_{state.value}": Count("questions", filter=Q(questions__state=state)) for state in QuestionState}
    return QuestionSet.objects.filter(collection_id=collection_id).annotate(**counts).order_by("name")


def set_get(set_id: UUID, collection_id: UUID | None = None) -> QuestionSet:
    """One set. Raises NotFound for a missing or foreign one, or one of another collection."""
    found = QuestionSet.objects.select_related("collection").filter(id=set_id).first()
    if found is None or (collection_id is not None and found.collection_id != collection_id):
        raise NotFound
    return found


def _documents_readable(collection_id: UUID) -> list[UUID]:
    versions = versions_readable().filter(document__collection_id=collection_id)
    return list(versions.values_list("document_id", flat=True).distinct())


def questions_readable(collection_id: UUID) -> QuerySet[TestQuestion]:
    """The collection's questions that the caller may see."""
    questions = TestQuestion.objects.filter(question_set__collection_id=collection_id).order_by("number")
    if current_tenant().groups is None:
        return questions
    return questions.filter(documents__contained_by=_documents_readable(collection_id))


def rows_readable(evaluation: EvaluationRun) -> QuerySet[EvaluationRow]:
    """The rows of an evaluation that quote nothing beyond the caller's rights, in the order of the questions."""
    rows = EvaluationRow.objects.filter(evaluation=evaluation).order_by("position")
    if current_tenant().groups is None:
        return rows
    versions = versions_readable().filter(document__collection_id=evaluation.collection_id)
    return rows.filter(
        versions__contained_by=list(versions.values_list("id", flat=True)),
        documents__contained_by=_documents_readable(evaluation.collection_id),
    )


def evaluation_get(evaluation_id: UUID, collection_id: UUID | None = None) -> EvaluationRun:
    """One evaluation with its set. Raises NotFound."""
    found = EvaluationRun.objects.select_related("question_set", "collection").filter(id=evaluation_id).first()
    if found is None or (collection_id is not None and found.collection_id != collection_id):
        raise NotFound
    return found


def evaluations_of(collection_id: UUID) -> QuerySet[EvaluationRun]:
    """The collection's evaluations, newest first."""
    return (
        EvaluationRun.objects.select_related("question_set")
        .filter(collection_id=collection_id)
        .order_by("-created_at", "-number")
    )


def set_questions(question_set_id: UUID) -> list[GateQuestion]:
    """The approved questions of one set, as they are asked. For jobs: the caller's rights do not narrow them."""
    rows = TestQuestion.objects.filter(question_set_id=question_set_id, state=QuestionState.APPROVED)
    return gate_questions(rows.order_by("number"))


def collection_questions(collection_id: UUID) -> list[GateQuestion]:
    """By which a collection is measured: the approved questions of its approved sets, else of its drafts."""
    sets = QuestionSet.objects.filter(collection_id=collection_id)
    for state in (SetState.APPROVED, SetState.DRAFT):
        rows = TestQuestion.objects.filter(
            question_set__in=sets.filter(state=state), state=QuestionState.APPROVED
        ).order_by("question_set__name", "number")
        found = gate_questions(rows)
        if found:
            return found
    return []


def gate_questions(rows: Iterable[TestQuestion]) -> list[GateQuestion]:
    """Stored questions in the form in which they are asked; a question that stands in two sets is asked once."""
    found = {row.digest: gate_question(row) for row in rows}
    return list(found.values())


def gate_question(row: TestQuestion) -> GateQuestion:
    """One stored question in the form in which it is asked."""
    return GateQuestion(
        id=str(row.id),
        question=row.question,
        evidence=tuple(row.evidence),
        must_contain=tuple(row.must_contain),
        answerable=row.answerable,
        anchors=tuple(Anchor(**each) for each in row.anchors),
        type=row.type,
        language=row.language,
        date=row.date.isoformat() if row.date else "",
    )


def set_lines(questions: Sequence[TestQuestion]) -> list[dict[str, object]]:
    """Questions in the form that ``knowledge evaluate`` and the import read."""
    return [
        {
            "id": row.external_id or str(row.id),
            "question": row.question,
            "language": row.language,
            "evidence": list(row.evidence),
            "must_contain": list(row.must_contain),
            "answerable": row.answerable,
            "type": row.type,
            **({"date": row.date.isoformat()} if row.date else {}),
        }
        for row in questions
    ]
