"""Question sets: by hand, from a passage, from a file; reviewed; seen only by who may read what they rest on."""

import json
from pathlib import Path
from typing import Any

import pytest

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.models import Chunk, Document
from liaoyuan.knowledge.questions.errors import (
    QuestionFileUnreadable,
    QuestionUnusable,
    SetNameTaken,
    SetNotReady,
    ThresholdInvalid,
)
from liaoyuan.knowledge.questions.models import QuestionState, SetState, TestQuestion
from liaoyuan.knowledge.questions.selectors import (
    collection_questions,
    questions_readable,
    set_get,
    set_lines,
    sets_of,
)
from liaoyuan.knowledge.questions.services import (
    question_add,
    question_edit,
    questions_import,
    questions_review,
    set_change,
    set_create,
)
from liaoyuan.knowledge.services import document_erase
from tests.integration.questions.conftest import NURSING, WASTE

QUESTION = "医疗废物暂时贮存的时间最多几天？"
LINES = [
    {
        "id": "1",
        "question": QUESTION,
        "evidence": ["医疗废物管理办法#第三条"],
        "must_contain": ["2天"],
        "answerable": True,
    },
    {"id": "2", "question": "居民阶梯电价第二档每度多少钱？", "answerable": False},
]


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_question_pointed_at_a_passage_keeps_its_place_by_name_and_by_anchor(
    collection: Any, organization: Any, owner: Any
) -> None:
    with tenant_context(organization.id, owner.user_id):
        chunk = Chunk.objects.get(locator="第三条")
        made = question_add(collection_id=collection.id, question=QUESTION, chunk_ids=[chunk.id], source="lab")
        again = question_add(collection_id=collection.id, question=f" {QUESTION} ", chunk_ids=[chunk.id], source="lab")
        assert (made.id, made.author, made.state) == (again.id, owner.user_id, QuestionState.APPROVED)
        assert made.evidence == ["医疗废物管理办法#第三条"]
        assert made.anchors[0]["anchor"] == chunk.anchor != ""
        asked = collection_questions(collection.id)
    assert [item.question for item in asked] == [QUESTION]
    assert asked[0].anchors[0].quote.startswith("第三条")


def test_an_answerable_question_without_evidence_is_refused(collection: Any, organization: Any) -> None:
    with tenant_context(organization.id), pytest.raises(QuestionUnusable):
        question_add(collection_id=collection.id, question=QUESTION)


def test_a_file_is_taken_over_line_by_line(collection: Any, organization: Any, tmp_path: Path) -> None:
    text = "\n".join([json.dumps(LINES[0]), "{broken", json.dumps({"id": "3"}), json.dumps(LINES[1]), "[1]"])
    with tenant_context(organization.id):
        outcome = questions_import(collection_id=collection.id, path=write(tmp_path, "q.jsonl", text), name="q.jsonl")
        assert (outcome.added, outcome.renewed) == (2, 0)
        assert [bad.number for bad in outcome.bad] == [2, 3, 5]
        assert all(bad.reason_zh and bad.reason_en for bad in outcome.bad)
        home = set_get(outcome.set_id)
        assert (home.name, home.kind) == ("q", "imported")
        again = questions_import(collection_id=collection.id, path=tmp_path / "q.jsonl", name="q.jsonl")
        assert (again.added, again.renewed) == (0, 2)
        lines = set_lines(list(home.questions.order_by("number")))
    assert [line["id"] for line in lines] == ["1", "2"]
    assert lines[0]["evidence"] == ["医疗废物管理办法#第三条"]


def test_a_table_of_questions_is_read_too_with_chinese_headings(
    collection: Any, organization: Any, tmp_path: Path
) -> None:
    from openpyxl import Workbook

    rows = [["问题", "依据", "必须包含", "可回答"], [QUESTION, "医疗废物管理办法#第三条", "2天", "是"]]
    rows += [["供餐时间是几点？", "", "", "否"], ["没有依据的问题是什么？", "", "", "是"]]
    csv = "\n".join(",".join(row) for row in rows)
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "questions.xlsx")
    (tmp_path / "questions.csv").write_bytes(csv.encode("gb18030"))
    with tenant_context(organization.id):
        for name in ("questions.csv", "questions.xlsx"):
            outcome = questions_import(
                collection_id=collection.id, path=tmp_path / name, name=name, set_name=name, review=True
            )
            assert (outcome.added, [bad.number for bad in outcome.bad]) == (2, [4]), name
            states = set(TestQuestion.objects.filter(question_set_id=outcome.set_id).values_list("state", flat=True))
            assert states == {QuestionState.PROPOSED}


@pytest.mark.parametrize("content", [b"no table", b"\xff\xfe\x00\xd8" * 9, b"PK\x03\x04broken"])
def test_a_file_that_is_none_is_refused_with_its_reason(
    collection: Any, organization: Any, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "bad.xlsx"
    path.write_bytes(content)
    with tenant_context(organization.id), pytest.raises(QuestionFileUnreadable):
        questions_import(collection_id=collection.id, path=path, name="bad.xlsx")


def test_documents_that_questions_name_and_nobody_brought_are_listed(
    collection: Any, organization: Any, tmp_path: Path
) -> None:
    line = json.dumps({"question": "谁负责巡查？", "evidence": ["消防管理制度#第一条"]})
    with tenant_context(organization.id):
        outcome = questions_import(collection_id=collection.id, path=write(tmp_path, "q.jsonl", line), name="q.jsonl")
    assert outcome.unknown_documents == ["消防管理制度"]


def test_only_a_set_with_an_approved_question_can_be_approved(collection: Any, organization: Any) -> None:
    with tenant_context(organization.id):
        home = set_create(collection_id=collection.id, name="验收")
        with pytest.raises(SetNameTaken):
            set_create(collection_id=collection.id, name=" 验收 ")
        question_add(
            collection_id=collection.id, set_id=home.id, question="食堂几点开门？", answerable=False,
            state=QuestionState.PROPOSED,
        )  # fmt: skip
        with pytest.raises(SetNotReady):
            set_change(set_id=home.id, state=SetState.APPROVED)
        ids = list(home.questions.values_list("id", flat=True))
        assert questions_review(collection_id=collection.id, question_ids=ids, state=QuestionState.APPROVED) == 1
        assert set_change(set_id=home.id, state=SetState.APPROVED).state == SetState.APPROVED
        with pytest.raises(ThresholdInvalid):
            set_change(set_id=home.id, thresholds=[{"metric": "recall@5", "at_least": 7}])
        counted: Any = sets_of(collection.id).get()
    assert (counted.n_approved, counted.n_proposed) == (1, 0)


def test_an_edit_keeps_the_anchors_of_the_evidence_that_stays(collection: Any, organization: Any) -> None:
    with tenant_context(organization.id):
        chunk = Chunk.objects.get(locator="第三条")
        made = question_add(collection_id=collection.id, question=QUESTION, chunk_ids=[chunk.id])
        values = {
            "question": "医疗废物能放几天？",
            "evidence": [*made.evidence, "护理值班制度#第一条"],
            "must_contain": ["2天"],
        }
        changed = question_edit(question_id=made.id, collection_id=collection.id, values=values)
        assert changed.anchors == made.anchors
        assert (changed.question, len(changed.evidence), len(changed.documents)) == ("医疗废物能放几天？", 2, 2)


def test_who_may_not_read_the_document_does_not_see_its_question(
    bring: Any, organization: Any, other_organization: Any
) -> None:
    bring({"医疗废物管理办法.md": WASTE}, groups=["infection"])
    bring({"护理值班制度.md": NURSING})
    with tenant_context(organization.id):
        chunk = Chunk.objects.get(locator="第三条")
        made = question_add(collection_id=chunk.collection_id, question=QUESTION, chunk_ids=[chunk.id])
    for groups, seen in ((None, 1), (("infection",), 1), (("surgery",), 0), ((), 0)):
        with tenant_context(organization.id, groups=groups):
            assert questions_readable(chunk.collection_id).count() == seen, groups
    with tenant_context(organization.id, groups=("surgery",)), pytest.raises(NotFound):
        question_add(collection_id=chunk.collection_id, question="换个问法？", chunk_ids=[chunk.id])
    with tenant_context(other_organization.id):
        assert questions_readable(chunk.collection_id).count() == 0
        with pytest.raises(NotFound):
            set_get(made.question_set_id)
        with pytest.raises(NotFound):
            set_create(collection_id=chunk.collection_id, name="偷看")


def test_erasing_a_document_erases_the_questions_made_from_it(collection: Any, organization: Any) -> None:
    with tenant_context(organization.id):
        chunk = Chunk.objects.get(locator="第三条")
        question_add(collection_id=collection.id, question=QUESTION, chunk_ids=[chunk.id])
        document_erase(document_id=Document.objects.get(name="医疗废物管理办法.md").id)
        assert not TestQuestion.objects.exists()
