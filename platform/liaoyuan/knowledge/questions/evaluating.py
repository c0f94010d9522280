"""An evaluation as a durable job: started once, carried on by whoever picks it up, finished from its stored rows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from liaoyuan.accounts.services import audit_record
from liaoyuan.accounts.tenancy import current_tenant, tenant_context
from liaoyuan.knowledge.adapters.chat import chat_model
from liaoyuan.knowledge.answer import Mode
from liaoyuan.knowledge.evaluate import Anchor, Examiner, GateQuestion
from liaoyuan.knowledge.models import DocumentVersion
from liaoyuan.knowledge.questions.configuration import configuration_of, synonyms_of
from liaoyuan.knowledge.questions.errors import NothingToAsk
from liaoyuan.knowledge.questions.measures import Row, measure
from liaoyuan.knowledge.questions.models import EvaluationRow, EvaluationRun, QuestionSet, TestQuestion
from liaoyuan.knowledge.questions.selectors import set_get, set_questions
from liaoyuan.knowledge.settings import RetrievalSettings
from liaoyuan.pipeline.contract import RunCancelled, StageContext, StageName
from liaoyuan.pipeline.models import StageRun
from liaoyuan.pipeline.services import stage_run_start

MEASURE: Final = "measure"
_EMBED_AT_ONCE: Final = 32


def evaluation_start(
    *,
    collection_id: UUID,
    set_id: UUID,
    mode: Mode = "extractive",
    index_id: UUID | None = None,
    retrieval: Mapping[str, Any] | None = None,
    day: date | None = None,
    idempotency_key: str = "",
    answered: bool = False,
) -> EvaluationRun:
    """Measure the collection by a set's approved questions, as a run of its own.

    ``index_id`` and ``retrieval`` measure something else than what is live. The same ``idempotency_key`` gives the same
    evaluation. ``answered``: the caller executes the run itself. Raises NotFound, NothingToAsk.
    """
    home = set_get(set_id, collection_id)
    earlier = _earlier(idempotency_key)
    if earlier is not None:
        return earlier
    questions = set_questions(home.id)
    if not questions:
        raise NothingToAsk(name=home.name)
    wanted = RetrievalSettings.model_validate(retrieval).model_dump(mode="json") if retrieval is not None else None
    configuration = configuration_of(
        home.collection, questions, mode=mode, index_id=index_id, retrieval=wanted, day=day
    )
    made = _evaluation(home, configuration, len(questions))
    run = stage_run_start(
        stage=StageName.EVALUATE,
        spec={
            "task": MEASURE,
            "collection_id": str(collection_id),
            "collection": home.collection.name,
            "evaluation": str(made.id),
            "name": home.name,
        },
        idempotency_key=idempotency_key,
        answered=answered,
    )
    made.run_id = run.id
    made.save(update_fields=["run_id"])
    audit_record(
        action="evaluation.start", object_kind="evaluation", object_id=made.id,
        detail={"set": home.name, "questions": len(questions)},
    )  # fmt: skip
    return made


def _earlier(idempotency_key: str) -> EvaluationRun | None:
    if not idempotency_key:
        return None
    run = StageRun.objects.filter(idempotency_key=idempotency_key).first()
    return EvaluationRun.objects.filter(run_id=run.id).first() if run else None


def _evaluation(home: QuestionSet, configuration: Mapping[str, Any], count: int) -> EvaluationRun:
    # The row's lock makes the number unique.
    QuestionSet.objects.select_for_update().get(id=home.id)
    last = EvaluationRun.objects.filter(question_set=home).aggregate(last=Max("number"))["last"] or 0
    tenant = current_tenant()
    return EvaluationRun.objects.create(
        organization_id=tenant.organization_id,
        collection_id=home.collection_id,
        question_set=home,
        number=last + 1,
        index_id=UUID(configuration["index"]["id"]),
        mode=configuration["mode"],
        configuration=dict(configuration),
        count=count,
        created_by=tenant.user_id,
    )


def evaluation_carry_out(context: StageContext) -> EvaluationRun:
    """Ask what was not asked yet, each question in a transaction of its own. Raises RunCancelled.

    Measured as a job over every document, so that runs of different people compare; who looks at the rows sees those
    that quote nothing beyond their rights.
    """
    organization, person = context.solution.organization_id, context.solution.requested_by
    with tenant_context(organization, person):
        evaluation = EvaluationRun.objects.select_related("question_set", "collection").get(
            id=UUID(str(context.spec["evaluation"]))
        )
        questions = _questions(context, evaluation)
        asked = {
            str(key)
            for key in EvaluationRow.objects.filter(evaluation=evaluation).values_list("question_id", flat=True)
        }
    examiner = _examiner(evaluation)
    waiting = [(place, item) for place, item in enumerate(questions) if item.id not in asked]
    done = len(questions) - len(waiting)
    for start in range(0, len(waiting), _EMBED_AT_ONCE):
        batch = waiting[start : start + _EMBED_AT_ONCE]
        with tenant_context(organization, person):
            vectors, seconds = examiner.embed([item.question for _place, item in batch])
        for (place, item), vector in zip(batch, vectors, strict=True):
            if context.cancelled():
                raise RunCancelled
            with tenant_context(organization, person):
                _keep(evaluation, place, item, examiner.ask(item, vector, seconds))
            done += 1
            context.progress(
                done / len(questions),
                f"已评测 {done}/{len(questions)} 个问题",
                f"{done}/{len(questions)} questions asked",
            )
    with tenant_context(organization, person):
        return _finish(evaluation)


def _examiner(evaluation: EvaluationRun) -> Examiner:
    told = evaluation.configuration
    mode: Mode = "generative" if told["mode"] == "generative" else "extractive"
    return Examiner(
        evaluation.collection_id,
        mode,
        chat_model() if mode == "generative" else None,
        date.fromisoformat(told["day"]),
        synonyms_of(told["pack"]),
        UUID(told["index"]["id"]) if told["index"]["named"] else None,
        RetrievalSettings.model_validate(told["retrieval"]) if told["retrieval_named"] else None,
    )


def _questions(context: StageContext, evaluation: EvaluationRun) -> Sequence[GateQuestion]:
    """The questions as they stood when the first attempt began: an edit in between changes no running evaluation."""
    kept = Path(context.checkpoint_dir) / "questions.json"
    if not kept.is_file():
        questions = set_questions(evaluation.question_set_id)
        draft = kept.with_suffix(".part")
        draft.write_text(json.dumps([asdict(item) for item in questions], ensure_ascii=False), encoding="utf-8")
        draft.replace(kept)
    return [_question(values) for values in json.loads(kept.read_text(encoding="utf-8"))]


def _question(values: Mapping[str, Any]) -> GateQuestion:
    anchors = tuple(Anchor(**anchor) for anchor in values["anchors"])
    places = {"evidence": tuple(values["evidence"]), "must_contain": tuple(values["must_contain"])}
    return GateQuestion(**{**values, **places, "anchors": anchors})


def _keep(evaluation: EvaluationRun, place: int, item: GateQuestion, row: Mapping[str, Any]) -> None:
    values = dict(row)
    versions = [UUID(key) for key in values.pop("versions")]
    rests_on = TestQuestion.objects.filter(id=UUID(item.id)).values_list("documents", flat=True).first() or []
    new = EvaluationRow(
        organization_id=evaluation.organization_id,
        evaluation=evaluation,
        question_id=UUID(item.id),
        position=place,
        values=values,
        versions=list(DocumentVersion.objects.filter(id__in=versions).values_list("id", flat=True)),
        documents=list(rests_on),
    )
    # An attempt that was thought dead may have been here first; its row says the same.
    EvaluationRow.objects.bulk_create([new], ignore_conflicts=True)


def rows_of(evaluation: EvaluationRun) -> list[Row]:
    """All rows in the order of the questions, for sums; what a person may see is ``selectors.rows_readable``."""
    return list(
        EvaluationRow.objects.filter(evaluation=evaluation).order_by("position").values_list("values", flat=True)
    )


def _finish(evaluation: EvaluationRun) -> EvaluationRun:
    rows = rows_of(evaluation)
    measured = measure(rows)
    evaluation.metrics, evaluation.intervals = measured.metrics, measured.intervals
    evaluation.count, evaluation.finished_at = len(rows), timezone.now()
    evaluation.save(update_fields=["metrics", "intervals", "count", "finished_at"])
    return evaluation
