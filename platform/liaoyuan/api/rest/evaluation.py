"""Question sets and their review, evaluations, comparisons, and the verdict on a bad answer."""

import tempfile
from pathlib import Path
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from ninja import File, Form, Query, Router, Status
from ninja.files import UploadedFile

from liaoyuan.accounts.policy import allowed
from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.pages import Page, page
from liaoyuan.api.rest.present import path_of, run_out
from liaoyuan.api.rest.problems import request_language
from liaoyuan.api.rest.rows import one
from liaoyuan.api.rest.schemas.evaluation import (
    BadLineOut,
    ChangeOut,
    CompareOut,
    CompareQuery,
    DifferenceOut,
    Evaluate,
    EvaluationDetail,
    EvaluationOut,
    EvaluationsQuery,
    FaultOut,
    FindingOut,
    GroupOut,
    ImportedOut,
    MendOut,
    QuestionChange,
    QuestionNew,
    QuestionOut,
    QuestionsQuery,
    Review,
    RowOut,
    RowsQuery,
    SetChange,
    SetNew,
    SetOut,
    SetsQuery,
    Synthesise,
    Thresholds,
    VerdictAsk,
)
from liaoyuan.api.rest.schemas.work import Started
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.questions.configuration import changes
from liaoyuan.knowledge.questions.evaluating import evaluation_start, rows_of
from liaoyuan.knowledge.questions.measures import Group, compare, failed, grouped
from liaoyuan.knowledge.questions.models import EvaluationRow, EvaluationRun, QuestionSet, TestQuestion
from liaoyuan.knowledge.questions.models import QuestionState as States
from liaoyuan.knowledge.questions.proposing import synthesis_start
from liaoyuan.knowledge.questions.selectors import (
    evaluation_get,
    questions_readable,
    rows_readable,
    set_get,
)
from liaoyuan.knowledge.questions.services import (
    question_add,
    question_edit,
    questions_import,
    questions_review,
    set_change,
    set_create,
    set_delete,
)
from liaoyuan.knowledge.questions.verdict import Verdict, case_of_row, case_of_text, verdict_of
from liaoyuan.operations.verdicts import trace_case, trace_judgeable
from liaoyuan.pipeline.models import StageRun

router = Router(tags=["documents"])


@operation(router, "GET", "/collections/{collection_id}/question-sets", action="document.view", response=Page[SetOut])
def question_sets_list(
    request: ApiRequest, response: HttpResponse, collection_id: UUID, query: Query[SetsQuery]
) -> Page[SetOut]:
    """The collection's question sets, with how many questions of each state they hold."""
    one(Collection.objects.all(), id=collection_id)
    rows = _counted(QuestionSet.objects.filter(collection_id=collection_id))
    return page(request, response, query, rows, _set_out, sort=query.sort)


@operation(router, "POST", "/collections/{collection_id}/question-sets", action="question.edit", response={201: SetOut})
def question_set_new(request: ApiRequest, collection_id: UUID, body: SetNew) -> "Status[SetOut]":
    """Make an empty question set."""
    return Status(201, _set_of(set_create(collection_id=collection_id, name=body.name).id))


@operation(
    router,
    "POST",
    "/collections/{collection_id}/question-sets/import",
    action="question.edit",
    response={201: ImportedOut},
)
def question_set_import(
    request: ApiRequest,
    collection_id: UUID,
    file: File[UploadedFile],
    name: Form[str] = "",
    review: Form[bool] = False,
) -> "Status[ImportedOut]":
    """Take over a file of questions (JSONL, CSV, XLSX); bad lines are listed with number and reason, the rest kept."""
    one(Collection.objects.all(), id=collection_id)
    with tempfile.TemporaryDirectory(prefix="liaoyuan-questions-") as folder:
        path = Path(folder) / "questions"
        with path.open("wb") as target:
            for block in file.chunks():
                target.write(block)
        outcome = questions_import(
            collection_id=collection_id, path=path, name=str(file.name), set_name=name[:120], review=review
        )
    zh = request_language(request) == "zh"
    bad = [
        BadLineOut(number=line.number, reason=line.reason_zh if zh else line.reason_en, text=line.text)
        for line in outcome.bad
    ]
    return Status(
        201,
        ImportedOut(
            set_id=outcome.set_id,
            added=outcome.added,
            renewed=outcome.renewed,
            bad=bad,
            unknown_documents=outcome.unknown_documents,
        ),
    )


@operation(
    router,
    "POST",
    "/collections/{collection_id}/question-sets/synthesise",
    action="question.edit",
    response={202: Started},
)
def question_set_synthesise(
    request: ApiRequest, collection_id: UUID, body: Synthesise, response: HttpResponse
) -> "Status[Started]":
    """Make questions from the documents in force; they wait for review."""
    one(Collection.objects.all(), id=collection_id)
    run = synthesis_start(collection_id=collection_id, set_id=body.set_id, target=body.target, use_chat=body.use_chat)
    return _started(request, response, run)


@operation(router, "GET", "/question-sets/{set_id}", action="document.view", response=SetOut)
def question_set_show(request: ApiRequest, set_id: UUID) -> SetOut:
    """One question set."""
    return _set_of(set_id)


@operation(router, "PATCH", "/question-sets/{set_id}", action="question.edit", response=SetOut)
def question_set_change(request: ApiRequest, set_id: UUID, body: SetChange) -> SetOut:
    """Rename, approve or retire a set."""
    set_change(set_id=set_id, name=body.name, state=body.state)
    return _set_of(set_id)


@operation(router, "PUT", "/question-sets/{set_id}/thresholds", action="collection.settings", response=SetOut)
def question_set_thresholds(request: ApiRequest, set_id: UUID, body: Thresholds) -> SetOut:
    """What an approved set demands of every bundle over its collection before it goes live."""
    set_change(set_id=set_id, thresholds=[each.model_dump() for each in body.thresholds])
    return _set_of(set_id)


@operation(router, "DELETE", "/question-sets/{set_id}", action="question.edit", response={204: None})
def question_set_end(request: ApiRequest, set_id: UUID) -> "Status[None]":
    """Delete a set with its questions and its evaluations."""
    set_delete(set_id=set_id)
    return Status(204, None)


@operation(router, "GET", "/question-sets/{set_id}/questions", action="document.view", response=Page[QuestionOut])
def questions_list(
    request: ApiRequest, response: HttpResponse, set_id: UUID, query: Query[QuestionsQuery]
) -> Page[QuestionOut]:
    """The set's questions that rest on nothing beyond the caller's rights."""
    home = set_get(set_id)
    rows = questions_readable(home.collection_id).filter(question_set=home)
    rows = rows.filter(state=query.state) if query.state else rows
    return page(request, response, query, rows, QuestionOut.from_orm, sort=query.sort)


@operation(router, "POST", "/question-sets/{set_id}/questions", action="question.edit", response={201: QuestionOut})
def question_new(request: ApiRequest, set_id: UUID, body: QuestionNew) -> "Status[QuestionOut]":
    """Add a question; the same one again is given the evidence sent now."""
    home = set_get(set_id)
    given = body.model_dump(exclude={"date"}) | {"date": body.date.isoformat() if body.date else ""}
    made = question_add(collection_id=home.collection_id, set_id=set_id, **given)
    return Status(201, QuestionOut.from_orm(made))


@operation(
    router, "PUT", "/question-sets/{set_id}/questions/{question_id}", action="question.edit", response=QuestionOut
)
def question_change(request: ApiRequest, set_id: UUID, question_id: UUID, body: QuestionChange) -> QuestionOut:
    """Change a question; who changes it has reviewed it."""
    home = set_get(set_id)
    one(TestQuestion.objects.filter(question_set=home), id=question_id)
    changed = question_edit(
        question_id=question_id, collection_id=home.collection_id, values=body.model_dump(mode="json")
    )
    return QuestionOut.from_orm(changed)


@operation(router, "POST", "/question-sets/{set_id}/review", action="question.edit", response=SetOut)
def questions_judge(request: ApiRequest, set_id: UUID, body: Review) -> SetOut:
    """Approve, reject or propose again; what the caller may not see stays as it is."""
    home = set_get(set_id)
    questions_review(collection_id=home.collection_id, question_ids=body.questions, state=body.state, note=body.note)
    return _set_of(set_id)


@operation(router, "POST", "/question-sets/{set_id}/evaluate", action="evaluation.run", response={202: Started})
def question_set_evaluate(
    request: ApiRequest, set_id: UUID, body: Evaluate, response: HttpResponse
) -> "Status[Started]":
    """Measure the collection by the set's approved questions, as a run; its result names the evaluation."""
    home = set_get(set_id)
    made = evaluation_start(collection_id=home.collection_id, set_id=set_id, **body.model_dump())
    return _started(request, response, one(StageRun.objects.all(), id=made.run_id))


@operation(
    router, "GET", "/collections/{collection_id}/evaluations", action="document.view", response=Page[EvaluationOut]
)
def evaluations_list(
    request: ApiRequest, response: HttpResponse, collection_id: UUID, query: Query[EvaluationsQuery]
) -> Page[EvaluationOut]:
    """The collection's evaluations over time."""
    one(Collection.objects.all(), id=collection_id)
    rows = EvaluationRun.objects.filter(collection_id=collection_id)
    rows = rows.filter(question_set_id=query.set_id) if query.set_id else rows
    return page(request, response, query, rows, _evaluation_out, sort=query.sort)


@operation(router, "GET", "/evaluations/{evaluation_id}", action="document.view", response=EvaluationDetail)
def evaluation_show(request: ApiRequest, evaluation_id: UUID) -> EvaluationDetail:
    """One evaluation: numbers with their intervals, its parts, and the configuration that it was made under."""
    found = evaluation_get(evaluation_id)
    rows = [row.values for row in rows_readable(found)]
    return EvaluationDetail(
        **_evaluation_out(found).model_dump(),
        configuration=found.configuration,
        by_document=[_group_out(each) for each in grouped(rows, "document")],
        by_type=[_group_out(each) for each in grouped(rows, "type")],
        by_language=[_group_out(each) for each in grouped(rows, "language")],
    )


@operation(router, "GET", "/evaluations/{evaluation_id}/rows", action="document.view", response=Page[RowOut])
def evaluation_rows(
    request: ApiRequest, response: HttpResponse, evaluation_id: UUID, query: Query[RowsQuery]
) -> Page[RowOut]:
    """What came of each question, as far as the caller may read all that it quotes."""
    rows = rows_readable(evaluation_get(evaluation_id))
    if query.failing:
        rows = rows.filter(id__in=[row.id for row in rows if failed(row.values)])
    return page(request, response, query, rows, _row_out, sort=query.sort)


@operation(router, "GET", "/evaluations/{evaluation_id}/compare", action="document.view", response=CompareOut)
def evaluation_compare(request: ApiRequest, evaluation_id: UUID, query: Query[CompareQuery]) -> CompareOut:
    """Two evaluations of one collection over the questions that both were asked, and what differed between them."""
    after = evaluation_get(evaluation_id)
    before = evaluation_get(query.before, after.collection_id)
    differences = [
        DifferenceOut(
            metric=each.metric,
            before=each.before,
            after=each.after,
            difference=each.difference,
            low=each.low,
            high=each.high,
            n=each.n,
            better=each.better,
        )
        for each in compare(rows_of(before), rows_of(after))
    ]
    changed = [
        ChangeOut(part=part, before=old, after=new)
        for part, old, new in changes(before.configuration, after.configuration)
    ]
    return CompareOut(differences=differences, changed=changed)


@operation(
    router,
    "POST",
    "/evaluations/{evaluation_id}/rows/{row_id}/verdict",
    action="question.edit",
    limit="ask",
    response=FaultOut,
)
def evaluation_row_verdict(request: ApiRequest, evaluation_id: UUID, row_id: UUID) -> FaultOut:
    """Why the answer to one question of an evaluation was bad."""
    evaluation = evaluation_get(evaluation_id)
    rows = EvaluationRow.objects.select_related("evaluation__collection", "evaluation__question_set")
    return _verdict_out(request, verdict_of(case_of_row(one(rows.filter(evaluation=evaluation), id=row_id))))


@operation(
    router,
    "POST",
    "/collections/{collection_id}/verdict",
    action="question.edit",
    limit="ask",
    response=FaultOut,
)
def collection_verdict(request: ApiRequest, collection_id: UUID, body: VerdictAsk) -> FaultOut:
    """Why an answer was bad: missing document, parse, chunk, stale, retrieve, rerank or generate, with the proof."""
    one(Collection.objects.all(), id=collection_id)
    if body.trace_id is not None:
        trace, home = trace_judgeable(body.trace_id)
        mine = trace.user_id == request.auth.user_id
        if home != collection_id or not (mine or allowed(request.auth, "trace.view")):
            raise NotFound
        case = trace_case(trace, home, expected=body.expected, chunk_ids=body.chunk_ids, answerable=body.answerable)
    else:
        case = case_of_text(
            collection_id=collection_id,
            question=body.question,
            expected=body.expected,
            chunk_ids=body.chunk_ids,
            answer=body.answer,
            answerable=body.answerable,
        )
    return _verdict_out(request, verdict_of(case))


def _started(request: ApiRequest, response: HttpResponse, run: StageRun) -> "Status[Started]":
    response["Location"] = path_of("runs", run.id)
    return Status(202, Started(pipeline_id=None, runs=[run_out(run, request_language(request))]))


def _counted(rows: "QuerySet[QuestionSet]") -> "QuerySet[QuestionSet]":
    counts = {f"n_{state.value}": Count("questions", filter=Q(questions__state=state)) for state in States}
    return rows.annotate(**counts)


def _set_of(set_id: UUID) -> SetOut:
    return _set_out(one(_counted(QuestionSet.objects.all()), id=set_id))


def _set_out(row: QuestionSet) -> SetOut:
    return SetOut(
        id=row.id,
        name=row.name,
        kind=row.kind,
        state=row.state,
        collection_id=row.collection_id,
        thresholds=row.thresholds,
        questions={state.value: getattr(row, f"n_{state.value}") for state in States},
        created_at=row.created_at,
    )


def _evaluation_out(row: EvaluationRun) -> EvaluationOut:
    return EvaluationOut(
        id=row.id,
        number=row.number,
        set_id=row.question_set_id,
        run_id=row.run_id,
        index_id=row.index_id,
        mode=row.mode,
        count=row.count,
        metrics=row.metrics,
        intervals=row.intervals,
        finished_at=row.finished_at,
        created_at=row.created_at,
    )


def _group_out(group: Group) -> GroupOut:
    return GroupOut(
        name=group.name, count=group.count, metrics=group.measured.metrics, intervals=group.measured.intervals
    )


def _row_out(row: EvaluationRow) -> RowOut:
    return RowOut(id=row.id, question_id=row.question_id, failed=failed(row.values), values=row.values)


def _verdict_out(request: ApiRequest, found: Verdict) -> FaultOut:
    told = found.as_dict()
    return FaultOut(
        cause=found.cause.value,
        sentence=found.zh if request_language(request) == "zh" else found.en,
        question=found.question,
        answer=found.answer,
        expected=list(found.expected),
        findings=[FindingOut(**each) for each in told["findings"]],
        mend=[MendOut(**each) for each in told["mend"]],
    )
