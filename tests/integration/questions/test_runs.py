"""Evaluations as durable runs: measured, resumed, cancelled, repeated, compared; seen within everybody's rights."""

import signal
import subprocess
import sys
from typing import Any
from uuid import UUID, uuid4

import pytest

from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import InvalidInput, NotFound
from liaoyuan.knowledge.models import Chunk
from liaoyuan.knowledge.questions.configuration import changes
from liaoyuan.knowledge.questions.errors import NothingToAsk, NothingToSynthesise
from liaoyuan.knowledge.questions.evaluating import evaluation_start, rows_of
from liaoyuan.knowledge.questions.gate import sets_digest, sets_measure
from liaoyuan.knowledge.questions.measures import compare
from liaoyuan.knowledge.questions.models import EvaluationRow, EvaluationRun, QuestionState, TestQuestion
from liaoyuan.knowledge.questions.proposing import synthesis_start
from liaoyuan.knowledge.questions.selectors import rows_readable, set_questions
from liaoyuan.knowledge.questions.services import question_add, questions_review, set_change, set_create
from liaoyuan.knowledge.questions.verdict import Cause, case_of_row, verdict_of
from liaoyuan.pipeline.models import RunState, StageRun
from liaoyuan.pipeline.services import stage_run_cancel, stage_run_execute
from tests.integration.questions.conftest import NURSING, WASTE

QUESTIONS = {
    "医疗废物暂时贮存的时间最多几天？": ("第三条", "2天"),
    "夜班护士每班不得少于几人？": ("第二条", "两人"),
    "值班护士应当在交班前多久完成护理记录？": ("第一条", "30分钟"),
}


@pytest.fixture
def set_id(collection: Any, organization: Any) -> UUID:
    """A set of three answerable questions and one that must not be answered."""
    with tenant_context(organization.id):
        home = set_create(collection_id=collection.id, name="验收")
        for question, (locator, literal) in QUESTIONS.items():
            chunk = Chunk.objects.get(locator=locator, text__contains=literal)
            question_add(
                collection_id=collection.id, set_id=home.id, question=question, chunk_ids=[chunk.id],
                must_contain=[literal], type="number",
            )  # fmt: skip
        question_add(
            collection_id=collection.id, set_id=home.id, question="居民阶梯电价第二档每度多少钱？", answerable=False
        )
        return home.id


def start(organization: Any, collection: Any, set_id: UUID, **more: Any) -> Any:
    with tenant_context(organization.id):
        return evaluation_start(collection_id=collection.id, set_id=set_id, **more)


def carry(organization: Any, evaluation: Any) -> Any:
    stage_run_execute(run_id=evaluation.run_id, worker="test")
    with tenant_context(organization.id):
        return EvaluationRun.objects.get(id=evaluation.id)


def test_an_evaluation_keeps_its_numbers_its_intervals_and_its_exact_configuration(
    collection: Any, organization: Any, set_id: UUID
) -> None:
    done = carry(organization, start(organization, collection, set_id))
    assert done.finished_at is not None
    assert (done.count, done.metrics["recall@5"], done.metrics["must_contain"]) == (4, 1.0, 1.0)
    assert done.metrics["abstained_unanswerable"] == 1.0
    low, high = done.intervals["recall@5"]
    assert 0.3 < low < 0.6 < high <= 1.0, "three questions prove little"
    told = done.configuration
    assert (told["index"]["number"], told["questions"]["count"], told["documents"]["count"]) == (1, 4, 2)
    assert told["index"]["embedder"] and told["code"]["digest"] and told["day"]
    with tenant_context(organization.id):
        run = StageRun.objects.get(id=done.run_id)
    assert run.state == RunState.SUCCEEDED
    assert run.result["evaluation"] == str(done.id)


def test_the_same_key_gives_the_same_evaluation_and_two_runs_agree(
    collection: Any, organization: Any, set_id: UUID
) -> None:
    first = start(organization, collection, set_id, idempotency_key="once")
    assert start(organization, collection, set_id, idempotency_key="once").id == first.id
    one, two = carry(organization, first), carry(organization, start(organization, collection, set_id))
    assert (one.number, two.number) == (1, 2)
    timed = {"p50_ms", "p95_ms"}
    assert {k: v for k, v in one.metrics.items() if k not in timed} == {
        k: v for k, v in two.metrics.items() if k not in timed
    }
    assert changes(one.configuration, two.configuration) == []
    with tenant_context(organization.id):
        assert all(item.difference == 0 for item in compare(rows_of(one), rows_of(two)))


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_leaves_a_run_that_goes_on_where_it_stopped(
    collection: Any, organization: Any, set_id: UUID, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from liaoyuan.knowledge.questions import evaluating

    evaluation = start(organization, collection, set_id)
    child = [sys.executable, "-m", "tests.integration.questions.child", database, str(evaluation.run_id)]
    assert subprocess.run(child, check=False, timeout=300).returncode == -signal.SIGKILL
    with tenant_context(organization.id):
        first = set(EvaluationRow.objects.filter(evaluation=evaluation).values_list("question_id", flat=True))
        assert len(first) == 2
        # An edit in between changes no running evaluation.
        TestQuestion.objects.filter(question_set_id=set_id).update(must_contain=["never said"])
        # The lease runs out and the reaper returns the run.
        StageRun.objects.filter(id=evaluation.run_id).update(state=RunState.QUEUED, lease_until=None)
    kept, asked = evaluating._keep, []

    def keep(*args: Any) -> None:
        asked.append(UUID(args[2].id))
        kept(*args)

    monkeypatch.setattr(evaluating, "_keep", keep)
    done = carry(organization, evaluation)
    assert len(asked) == 2
    assert not first & set(asked), "nobody was asked twice"
    assert (done.count, done.metrics["must_contain"]) == (4, 1.0)


def test_a_cancelled_run_stops_and_keeps_what_was_asked(
    collection: Any, organization: Any, owner: Any, set_id: UUID
) -> None:
    evaluation = start(organization, collection, set_id)
    with tenant_context(organization.id):
        principal = Principal(owner.user_id, organization.id, "owner")
        stage_run_cancel(principal=principal, run_id=evaluation.run_id)
    stage_run_execute(run_id=evaluation.run_id, worker="test")
    with tenant_context(organization.id):
        assert StageRun.objects.get(id=evaluation.run_id).state == RunState.CANCELLED
        assert EvaluationRun.objects.get(id=evaluation.id).finished_at is None


def test_an_empty_set_and_a_strange_one_are_refused(
    collection: Any, organization: Any, other_organization: Any, set_id: UUID
) -> None:
    with tenant_context(organization.id):
        empty = set_create(collection_id=collection.id, name="空")
        with pytest.raises(NothingToAsk):
            evaluation_start(collection_id=collection.id, set_id=empty.id)
        with pytest.raises(NotFound):
            evaluation_start(collection_id=collection.id, set_id=set_id, index_id=uuid4())
    with tenant_context(other_organization.id), pytest.raises(NotFound):
        evaluation_start(collection_id=collection.id, set_id=set_id)


def test_rows_are_seen_by_those_who_may_read_all_that_they_quote(bring: Any, organization: Any) -> None:
    bring({"医疗废物管理办法.md": WASTE}, groups=["infection"])
    bring({"护理值班制度.md": NURSING})
    with tenant_context(organization.id):
        chunk = Chunk.objects.get(locator="第三条")
        made = question_add(
            collection_id=chunk.collection_id, question="医疗废物暂时贮存的时间最多几天？", chunk_ids=[chunk.id]
        )
        evaluation = evaluation_start(collection_id=chunk.collection_id, set_id=made.question_set_id)
    done = carry(organization, evaluation)
    for groups, seen in ((None, 1), (("infection",), 1), (("surgery",), 0)):
        with tenant_context(organization.id, groups=groups):
            assert rows_readable(done).count() == seen, groups


def test_a_failing_row_has_its_verdict(collection: Any, organization: Any, set_id: UUID) -> None:
    done = carry(organization, start(organization, collection, set_id))
    with tenant_context(organization.id):
        row = EvaluationRow.objects.filter(evaluation=done).order_by("position").first()
        assert row is not None
        assert verdict_of(case_of_row(row)).cause == Cause.FINE
        row.values = row.values | {"answer": "七天", "citations": []}
        row.save()
        assert verdict_of(case_of_row(row)).cause == Cause.GENERATE
        Chunk.objects.filter(locator="第三条").update(enabled=False)
        assert verdict_of(case_of_row(row)).cause == Cause.CHUNK


def test_an_approved_set_with_demands_is_measured_as_a_gate(collection: Any, organization: Any, set_id: UUID) -> None:
    with tenant_context(organization.id):
        set_change(set_id=set_id, thresholds=[{"metric": "recall@5", "at_least": 0.9}])
        assert (sets_measure(collection.id), sets_digest(collection.id)) == ([], ""), "a draft stops nothing"
        set_change(set_id=set_id, state="approved")
        measured = sets_measure(collection.id)[0]
        assert measured.held({"metric": "recall@5", "at_least": 0.9})
        assert not measured.held({"metric": "recall@5", "at_least": 0.9, "confident": True}), "three prove too little"
        assert not measured.held({"metric": "p50_ms", "at_most": 0})
        before = sets_digest(collection.id)
        question_add(collection_id=collection.id, set_id=set_id, question="停车一小时多少钱？", answerable=False)
        assert sets_digest(collection.id) != before


def test_questions_are_made_from_the_documents_for_review(collection: Any, organization: Any, owner: Any) -> None:
    with tenant_context(organization.id, owner.user_id):
        run = synthesis_start(collection_id=collection.id, target=10)
    assert stage_run_execute(run_id=run.id, worker="test") == RunState.SUCCEEDED
    with tenant_context(organization.id):
        told = StageRun.objects.get(id=run.id)
        assert told.result["left_out"], "the reviewer is told what was left out, and why"
        made = list(TestQuestion.objects.all())
        texts = [chunk.text for chunk in Chunk.objects.all()]
        assert {row.state for row in made} == {QuestionState.PROPOSED}
        assert any(not row.answerable for row in made)
        answerable = [row for row in made if row.answerable]
        assert len(answerable) >= 4
        assert len({str(row.documents) for row in answerable}) == 2, "no document dominates"
        for row in answerable:
            assert all(any(literal in text for text in texts) for literal in row.must_contain), row.question
            assert row.anchors[0]["anchor"]
        assert set_questions(made[0].question_set_id) == [], "nothing counts before somebody reviewed it"
        ids = [row.id for row in made]
        questions_review(collection_id=collection.id, question_ids=ids, state=QuestionState.REJECTED)
        again = synthesis_start(collection_id=collection.id, target=10)
    assert stage_run_execute(run_id=again.id, worker="test") == RunState.SUCCEEDED
    with tenant_context(organization.id):
        rejected = TestQuestion.objects.filter(state=QuestionState.REJECTED)
        assert rejected.count() == len(ids), "what was rejected does not come back"


def test_nothing_is_made_of_nothing(organization: Any, collection: Any) -> None:
    from liaoyuan.knowledge.services import collection_create

    with tenant_context(organization.id):
        empty, _ = collection_create(name="空")
        with pytest.raises(NothingToSynthesise):
            synthesis_start(collection_id=empty.id)
        with pytest.raises(InvalidInput):
            synthesis_start(collection_id=collection.id, target=100_000)
