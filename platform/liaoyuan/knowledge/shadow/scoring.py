"""A generation against the live one, on the collection's own questions."""

from typing import Any, Final
from uuid import UUID

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.evaluate import Examiner, GateQuestion
from liaoyuan.knowledge.models import SearchIndex
from liaoyuan.knowledge.questions.configuration import pack_of, synonyms_of
from liaoyuan.knowledge.questions.measures import Difference, compare, measure
from liaoyuan.knowledge.questions.selectors import collection_questions
from liaoyuan.pipeline.contract import RunCancelled, StageContext

UNSCORED: Final = "unscored"
BETTER, WORSE, SAME = "better", "worse", "same"
AT_ONCE: Final = 16


def generation_score(context: StageContext, index: SearchIndex, live: SearchIndex) -> dict[str, Any]:
    """JSON for ``SearchIndex.scores``: verdict, number of questions, and metric by metric the live value, the new one
    and their difference with its 95 % interval. Verdict ``unscored`` where there are no questions.

    Raises RunCancelled, and what the embedding engines raise.
    """
    who = context.solution
    with tenant_context(who.organization_id, who.requested_by):
        questions = collection_questions(index.collection_id)
    if not questions:
        return {"verdict": UNSCORED, "questions": 0, "against": live.number, "metrics": []}
    before, after = (_rows(context, each, questions) for each in (live, index))
    differences = compare(before, after)
    return {
        "verdict": verdict(differences),
        "questions": len(questions),
        "against": live.number,
        "metrics": [_metric(each) for each in differences],
        "p50_ms": [measure(rows).metrics["p50_ms"] for rows in (before, after)],
    }


def verdict(differences: list[Difference]) -> str:
    """Worse as soon as one metric is worse beyond chance; better when one is better and none is worse."""
    if any(each.better is False for each in differences):
        return WORSE
    return BETTER if any(each.better for each in differences) else SAME


def _rows(context: StageContext, index: SearchIndex, questions: list[GateQuestion]) -> list[dict[str, Any]]:
    """Each few questions in a transaction of their own: none is held over the whole examination."""
    who = context.solution
    rows: list[dict[str, Any]] = []
    for start in range(0, len(questions), AT_ONCE):
        if context.cancelled():
            raise RunCancelled
        part = questions[start : start + AT_ONCE]
        with tenant_context(who.organization_id, who.requested_by):
            examiner = _examiner(index.collection_id, index.id)
            vectors, seconds = examiner.embed([item.question for item in part])
            rows += [examiner.ask(item, vector, seconds) for item, vector in zip(part, vectors, strict=True)]
        done = f"{len(rows)}/{len(questions)}"
        context.progress(0.95, f"第 {index.number} 代评分 {done}", f"scoring generation {index.number}: {done}")
    return rows


def _examiner(collection_id: UUID, index_id: UUID) -> Examiner:
    return Examiner(collection_id, synonyms=synonyms_of(pack_of(collection_id)), index_id=index_id)


def _metric(each: Difference) -> dict[str, Any]:
    values = {"live": each.before, "new": each.after, "difference": each.difference, "low": each.low, "high": each.high}
    return {"metric": each.metric, "n": each.n, "better": each.better} | {
        name: round(value, 4) for name, value in values.items()
    }
