"""The order of a collection's search learned from its own questions, as a durable job; and back to the stock order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.db.models import QuerySet
from django.utils import timezone

from liaoyuan.accounts.services import audit_record
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.evaluate import Anchor, Examiner, GateQuestion, embedder_of
from liaoyuan.knowledge.indexes import live_index
from liaoyuan.knowledge.learning import Comparison, Sample, compared, fit, sample_of
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.questions.configuration import pack_of, synonyms_of
from liaoyuan.knowledge.questions.errors import LearningTooFew
from liaoyuan.knowledge.questions.models import QuestionSource, QuestionState, SetState, TestQuestion
from liaoyuan.knowledge.questions.proposing import proposals_by_rules
from liaoyuan.knowledge.questions.selectors import gate_questions
from liaoyuan.knowledge.questions.synthesis.passages import Proposal
from liaoyuan.knowledge.questions.synthesis.picking import pick
from liaoyuan.knowledge.rank import FEATURES, Legs, stock_weights
from liaoyuan.knowledge.rerankers import FUSION
from liaoyuan.knowledge.selectors import versions_in_force
from liaoyuan.knowledge.services.reindexing import settings_change
from liaoyuan.knowledge.settings import CollectionSettings, settings_of
from liaoyuan.pipeline.contract import Artifacts, RunCancelled, StageContext, StageName
from liaoyuan.pipeline.models import FINAL_STATES, RunState, StageRun
from liaoyuan.pipeline.services import stage_run_start

LEARN: Final = "learn"
LEAST: Final = 30
# Questions of the platform's own making join until there are so many.
WANTED: Final = 240
_AT_ONCE: Final = 32
_MADE: Final = (QuestionSource.RULES, QuestionSource.CHAT)


@dataclass(frozen=True, slots=True)
class Ranking:
    """The order in force. ``weights`` None: the stock ones; ``facts`` tell how those in force were learned; ``last`` is
    the newest attempt, whose ``result`` says whether it was kept."""

    weights: dict[str, float] | None
    facts: dict[str, Any] = field(default_factory=dict)
    last: StageRun | None = None

    @property
    def running(self) -> bool:
        return self.last is not None and self.last.state not in FINAL_STATES


def learning_start(*, collection_id: UUID, idempotency_key: str = "", answered: bool = False) -> StageRun:
    """Learn the order of this collection's search; one that is under way is given instead of a second.

    Raises NotFound, and LearningTooFew where even with questions made from every document there cannot be enough.
    """
    collection = _locked(collection_id)
    open_run = _runs(collection_id).exclude(state__in=FINAL_STATES).first()
    if open_run is not None:
        return open_run
    stored, chunks = (
        len(_stored(collection_id)),
        sum(versions_in_force(collection_id).values_list("chunk_count", flat=True)),
    )
    if stored + chunks < LEAST:
        raise LearningTooFew(count=stored, least=LEAST)
    run = stage_run_start(
        stage=StageName.EVALUATE,
        spec={"task": LEARN, "collection_id": str(collection_id), "collection": collection.name},
        idempotency_key=idempotency_key,
        answered=answered,
    )
    audit_record(
        action="ranking.learn", object_kind="collection", object_id=collection_id, detail={"questions": stored}
    )
    return run


def ranking_reset(*, collection_id: UUID) -> None:
    """Back to the weights that the platform brings. Raises NotFound."""
    now = settings_of(_locked(collection_id).settings)
    if now.retrieval.learned is None:
        return
    settings_change(collection_id=collection_id, settings=_learned(now, None))
    audit_record(action="ranking.reset", object_kind="collection", object_id=collection_id)


def ranking_of(collection_id: UUID) -> Ranking:
    """Raises NotFound."""
    collection = Collection.objects.filter(id=collection_id).first()
    if collection is None:
        raise NotFound
    weights = settings_of(collection.settings).retrieval.learned
    kept = _runs(collection_id).filter(state=RunState.SUCCEEDED, result__kept=True).first()
    facts = dict(kept.result) if kept is not None and weights is not None else {}
    # Somebody may have given other weights by API since.
    facts = facts if facts.get("weights") == weights else {}
    return Ranking(weights, facts, _runs(collection_id).first())


def learning_carry_out(context: StageContext) -> Artifacts:
    """Ask, learn, compare on what was held out, keep what is better. Raises RunCancelled, LearningTooFew.

    A resumed run begins anew: the same questions teach the same weights.
    """
    organization, person = context.solution.organization_id, context.solution.requested_by
    collection_id = UUID(str(context.spec["collection_id"]))
    with tenant_context(organization, person):
        lesson = _lesson(collection_id)
    samples = _samples(context, lesson)
    seen = [sample for sample in samples if sample.right.any()]
    if len(seen) < LEAST:
        raise LearningTooFew(count=len(seen), least=LEAST)
    context.progress(0.85, f"正在用 {len(seen)} 个问题学习", f"Learning from {len(seen)} questions")
    stock = np.asarray([stock_weights()[name] for name in FEATURES])
    comparison = compared(seen, stock)
    weights = {name: round(float(value), 4) for name, value in zip(FEATURES, fit(seen, stock), strict=True)}
    if context.cancelled():
        raise RunCancelled
    if comparison.better:
        with tenant_context(organization, person):
            now = settings_of(_locked(collection_id).settings)
            settings_change(collection_id=collection_id, settings=_learned(now, weights))
    return _told(comparison, lesson, samples, weights)


@dataclass(frozen=True, slots=True)
class _Lesson:
    """What is asked: people's questions, those made before and waiting, and those made now for this alone."""

    collection_id: UUID
    examiner: Examiner
    legs: Legs
    generation: int
    approved: Sequence[GateQuestion]
    proposed: Sequence[GateQuestion]
    made: Sequence[GateQuestion]

    @property
    def questions(self) -> list[tuple[GateQuestion, bool]]:
        return [(item, True) for item in self.approved] + [(item, False) for item in (*self.proposed, *self.made)]


def _lesson(collection_id: UUID) -> _Lesson:
    collection = Collection.objects.filter(id=collection_id).first()
    if collection is None:
        raise NotFound
    stored = _stored(collection_id)
    approved = [row for row in stored if row.state == QuestionState.APPROVED]
    known = {row.digest for row in approved}
    waiting = [row for row in stored if row.state != QuestionState.APPROVED and row.digest not in known]
    own = settings_of(collection.settings).retrieval
    # Whoever orders the collection's search: what is learned are the fusion's weights, beside the stock ones.
    asked = own.model_copy(update={"reranker": FUSION, "learned": None, "sentences": "never"})
    index = live_index(collection_id)
    return _Lesson(
        collection_id,
        Examiner(collection_id, synonyms=synonyms_of(pack_of(collection_id)), index_id=index.id, settings=asked),
        Legs(own.vector_weight, own.lexical_weight),
        index.number,
        gate_questions(approved),
        gate_questions(waiting),
        _made_now(collection_id, WANTED - len(known) - len(waiting)),
    )


def _stored(collection_id: UUID) -> list[TestQuestion]:
    """Approved ones with a place, and made ones that nobody has rejected; not those of retired sets."""
    rows = TestQuestion.objects.filter(question_set__collection_id=collection_id, answerable=True)
    rows = rows.exclude(question_set__state=SetState.RETIRED).order_by("question_set__name", "number")
    rejected = set(rows.filter(state=QuestionState.REJECTED).values_list("digest", flat=True))
    return [
        row
        for row in rows.exclude(state=QuestionState.REJECTED)
        if (row.evidence or row.anchors)
        and (row.state == QuestionState.APPROVED or (row.source in _MADE and row.digest not in rejected))
    ]


def _made_now(collection_id: UUID, target: int) -> list[GateQuestion]:
    """Questions from the documents in force that no set holds in any state: what was rejected does not come back."""
    if target <= 0:
        return []
    taken = TestQuestion.objects.filter(question_set__collection_id=collection_id).values_list("question", flat=True)
    _passages, proposals = proposals_by_rules(collection_id)
    chosen = pick(proposals, target=target, taken=list(taken), engine=embedder_of(collection_id, None)).chosen
    return [_as_question(place, item) for place, item in enumerate(chosen) if item.answerable]


def _as_question(place: int, item: Proposal) -> GateQuestion:
    anchor = Anchor(**{**item.passage.anchor, "quote": item.quote or item.passage.anchor.get("quote", "")})
    return GateQuestion(f"made-{place}", item.question, anchors=(anchor,))


def _samples(context: StageContext, lesson: _Lesson) -> list[Sample]:
    """Every question asked once with the stock order, each in a transaction of its own."""
    organization, person = context.solution.organization_id, context.solution.requested_by
    found: list[Sample] = []
    questions = lesson.questions
    for start in range(0, len(questions), _AT_ONCE):
        batch = questions[start : start + _AT_ONCE]
        with tenant_context(organization, person):
            vectors, _seconds = lesson.examiner.embed([item.question for item, _approved in batch])
        for (item, approved), vector in zip(batch, vectors, strict=True):
            if context.cancelled():
                raise RunCancelled
            with tenant_context(organization, person):
                ranked = lesson.examiner.retrieve(item.question, vector, item.day).ranked
                found.append(sample_of(item, ranked, lesson.legs, approved=approved))
        done = min(start + _AT_ONCE, len(questions))
        context.progress(
            0.1 + 0.7 * done / len(questions),
            f"已检索 {done}/{len(questions)} 个问题",
            f"{done}/{len(questions)} questions searched",
        )
    return found


def _told(
    comparison: Comparison, lesson: _Lesson, samples: Sequence[Sample], weights: Mapping[str, float]
) -> Artifacts:
    shown = comparison.metrics["mrr"]
    low, high = shown["difference_interval"]
    kept = comparison.better
    numbers = f"MRR {shown['stock']:.3f} → {shown['learned']:.3f} ({low:+.3f} … {high:+.3f})"
    return Artifacts(
        result={
            "kept": kept,
            "questions": comparison.n,
            "approved": sum(sample.approved for sample in samples if sample.right.any()),
            "missed": len(samples) - comparison.n,
            "documents": len({sample.group for sample in samples if sample.right.any()}),
            "folds": comparison.folds,
            "metrics": comparison.metrics,
            "approved_metrics": comparison.approved,
            "day": timezone.localdate().isoformat(),
            "generation": lesson.generation,
            "weights": dict(weights),
        },
        summary_zh=f"{'已采用学到的排序' if kept else '没有超出偶然的提升，排序保持不变'}：{numbers}",
        summary_en=f"{'Learned order in use' if kept else 'No gain beyond chance, the order stays'}: {numbers}",
    )


def _learned(now: CollectionSettings, weights: Mapping[str, float] | None) -> CollectionSettings:
    learned = dict(weights) if weights is not None else None
    return now.model_copy(update={"retrieval": now.retrieval.model_copy(update={"learned": learned})})


def _runs(collection_id: UUID) -> QuerySet[StageRun]:
    """The attempts on this collection, newest first."""
    runs = StageRun.objects.filter(stage=StageName.EVALUATE, spec__task=LEARN, spec__collection_id=str(collection_id))
    return runs.order_by("-created_at", "-id")


def _locked(collection_id: UUID) -> Collection:
    found = Collection.objects.select_for_update(no_key=True).filter(id=collection_id).first()
    if found is None:
        raise NotFound
    return found
