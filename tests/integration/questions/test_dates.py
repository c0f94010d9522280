"""Questions that ask of a day: answered as of it, wherever they are asked; versions count by their days, not by their
state."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.evaluate import GateQuestion, collection_evaluate, questions_read
from liaoyuan.knowledge.models import Collection, DocumentVersion, VersionState
from liaoyuan.knowledge.questions.configuration import digest, questions_digest
from liaoyuan.knowledge.questions.evaluating import evaluation_start
from liaoyuan.knowledge.questions.gate import sets_measure
from liaoyuan.knowledge.questions.models import EvaluationRow, EvaluationRun, TestQuestion
from liaoyuan.knowledge.questions.reading import LineInvalid, draft_from
from liaoyuan.knowledge.questions.selectors import set_lines, set_questions
from liaoyuan.knowledge.questions.services import question_add, question_edit, questions_import, set_change
from liaoyuan.knowledge.questions.synthesis.passages import passages_of
from liaoyuan.knowledge.questions.verdict import Cause, case_of_row, verdict_of
from liaoyuan.knowledge.selectors import collection_by_name, versions_in_force
from liaoyuan.pipeline.services import stage_run_execute
from tests.integration.knowledge.test_versions import QUESTION, THREE, TWO

THEN = "2023-12-31"


@pytest.fixture
def collection(bring: Any, organization: Any) -> Collection:
    """One rule in two versions: two nurses until the end of 2023, three since."""
    for day, text in (("2020-01-01", TWO), ("2024-01-01", THREE)):
        bring({f"值班规定({day}).md": text})
    with tenant_context(organization.id):
        return collection_by_name("制度")


def lines() -> list[dict[str, Any]]:
    base = {"question": QUESTION, "evidence": ["值班规定#第一条"], "answerable": True}
    return [
        base | {"id": "now", "must_contain": ["三人"]},
        base | {"id": "then", "must_contain": ["两人"], "date": THEN},
    ]


def written(folder: Path) -> Path:
    path = folder / "dated.jsonl"
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines()), encoding="utf-8")
    return path


def asked(values: Any) -> dict[str, bool]:
    return {row["id"]: row["must_contain"] for row in values}


def test_a_line_with_a_date_is_answered_as_of_it_and_one_without_as_of_today(
    collection: Collection, organization: Any, engine: Any, tmp_path: Path
) -> None:
    questions = questions_read(written(tmp_path))
    assert [item.date for item in questions] == ["", THEN]
    with tenant_context(organization.id):
        found = collection_evaluate(collection.id, questions, engine=engine)
        earlier = collection_evaluate(collection.id, questions, engine=engine, day=date(2021, 1, 1))
    assert asked(found.rows) == {"now": True, "then": True}
    assert [row.get("date") for row in found.rows] == [None, THEN]
    assert asked(earlier.rows) == {"now": False, "then": True}, "its own date outranks that of the evaluation"


def test_the_same_words_asked_of_two_days_are_two_questions_in_a_set_a_run_and_a_gate(
    collection: Collection, organization: Any, tmp_path: Path
) -> None:
    with tenant_context(organization.id):
        outcome = questions_import(collection_id=collection.id, path=written(tmp_path), name="dated.jsonl")
        again = questions_import(collection_id=collection.id, path=written(tmp_path), name="dated.jsonl")
        assert (outcome.added, again.added, again.renewed) == (2, 0, 2)
        rows = list(TestQuestion.objects.filter(question_set_id=outcome.set_id).order_by("number"))
        assert [row.date for row in rows] == [None, date(2023, 12, 31)]
        assert [line.get("date") for line in set_lines(rows)] == [None, THEN]
        made = evaluation_start(collection_id=collection.id, set_id=outcome.set_id)
    stage_run_execute(run_id=made.run_id, worker="test")
    with tenant_context(organization.id):
        done = EvaluationRun.objects.get(id=made.id)
        assert (done.metrics["must_contain"], done.metrics["recall@1"]) == (1.0, 1.0)
        for row in EvaluationRow.objects.filter(evaluation=done).select_related("evaluation"):
            assert verdict_of(case_of_row(row)).cause == Cause.FINE
        set_change(set_id=outcome.set_id, thresholds=[{"metric": "must_contain", "at_least": 1.0}], state="approved")
        (measured,) = sets_measure(collection.id)
        assert all(measured.held(threshold) for threshold in measured.thresholds)


def test_what_an_evaluation_of_then_failed_is_judged_of_then(collection: Collection, organization: Any) -> None:
    with tenant_context(organization.id):
        made = question_add(
            collection_id=collection.id,
            question=QUESTION,
            evidence=["值班规定#第一条"],
            must_contain=["三人"],
            date=THEN,
        )
        evaluation = evaluation_start(collection_id=collection.id, set_id=made.question_set_id)
    stage_run_execute(run_id=evaluation.run_id, worker="test")
    with tenant_context(organization.id):
        row = EvaluationRow.objects.select_related("evaluation").get(evaluation_id=evaluation.id)
        assert row.values["must_contain"] is False
        verdict = verdict_of(case_of_row(row))
        assert verdict.cause == Cause.STALE, "those words were not in force yet on that day"
        assert "尚未生效" in verdict.zh


def test_an_edit_moves_a_question_to_another_day_and_back(collection: Collection, organization: Any) -> None:
    place = {"evidence": ["值班规定#第一条"], "must_contain": ["两人"], "answerable": True, "question": QUESTION}
    with tenant_context(organization.id):
        made = question_add(collection_id=collection.id, **{**place, "date": THEN})
        moved = question_edit(question_id=made.id, collection_id=collection.id, values=place | {"date": "2022/5/1"})
        assert moved.date == date(2022, 5, 1)
        assert set_questions(made.question_set_id)[0].day == date(2022, 5, 1)
        plain = question_edit(question_id=made.id, collection_id=collection.id, values=place | {"date": ""})
        assert plain.date is None
        other = question_add(collection_id=collection.id, **{**place, "date": THEN})
        assert other.id != made.id


@pytest.mark.parametrize(
    "written_as", ["2023-12-31", "2023/12/31", "2023年12月31日", "2023-12-31 00:00:00", "20231231"]
)
def test_a_date_is_read_as_people_and_spreadsheets_write_it(written_as: str) -> None:
    assert draft_from({"question": "问", "must_contain": ["答"], "date": written_as}).date == THEN


@pytest.mark.parametrize("wrong", ["2023-13-01", "yesterday", "2023-02-30", "12"])
def test_what_is_no_date_is_told_with_its_line(wrong: str) -> None:
    with pytest.raises(LineInvalid, match="date"):
        draft_from({"question": "问", "must_contain": ["答"], "date": wrong})


def test_questions_without_a_date_keep_the_digest_they_had() -> None:
    plain = GateQuestion("1", "问")
    assert questions_digest([plain]) != questions_digest([GateQuestion("1", "问", date=THEN)])
    before = {"id": "1", "question": "问", "evidence": [], "must_contain": [], "answerable": True, "anchors": []}
    before |= {"type": "", "language": ""}
    assert questions_digest([plain]) == digest([json.dumps(before, sort_keys=True, ensure_ascii=False)])


def test_what_counts_is_the_days_and_not_a_state_that_the_calendar_has_overtaken(
    collection: Collection, organization: Any, engine: Any
) -> None:
    """States follow by a schedule; between midnight and that round a search already reads the new version."""
    with tenant_context(organization.id):
        old, new = DocumentVersion.objects.order_by("number")
        DocumentVersion.objects.filter(id=new.id).update(state=VersionState.SUPERSEDED)
        DocumentVersion.objects.filter(id=old.id).update(state=VersionState.IN_FORCE)
        assert [version.id for version in versions_in_force(collection.id)] == [new.id]
        assert [version.id for version in versions_in_force(collection.id, date(2021, 1, 1))] == [old.id]
        assert "三人" in "".join(passage.text for passage in passages_of(collection.id))
        assert "两人" not in "".join(passage.text for passage in passages_of(collection.id))
        questions = [GateQuestion("1", QUESTION, ("值班规定#第一条",), ("三人",))]
        assert collection_evaluate(collection.id, questions, engine=engine).metrics["must_contain"] == 1.0
        tomorrow = timezone.localdate() + timedelta(days=1)
        told = evaluation_start(
            collection_id=collection.id,
            set_id=question_add(
                collection_id=collection.id, question=QUESTION, evidence=["值班规定#第一条"], must_contain=["三人"]
            ).question_set_id,
            day=tomorrow,
        ).configuration
    assert told["documents"]["count"] == 1 and told["day"] == tomorrow.isoformat()
    assert UUID(told["index"]["id"])
