"""The order of search learned from a collection's own questions: kept only where it is better, and undone at will."""

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command

from liaoyuan.accounts.models import AuditEvent
from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.questions import teaching
from liaoyuan.knowledge.questions.errors import LearningTooFew
from liaoyuan.knowledge.questions.models import QuestionState, TestQuestion
from liaoyuan.knowledge.questions.proposing import synthesis_start
from liaoyuan.knowledge.questions.services import question_add, questions_review
from liaoyuan.knowledge.questions.teaching import learning_start, ranking_of, ranking_reset
from liaoyuan.knowledge.retrieve import retrieve
from liaoyuan.knowledge.selectors import collection_by_name
from liaoyuan.pipeline.models import RunState, StageRun
from liaoyuan.pipeline.services import stage_run_cancel, stage_run_execute

WARDS = ["内科", "外科", "儿科", "妇产科", "急诊科", "骨科", "眼科", "皮肤科"]
# What each ward's manual says, and how its people ask for it: with words that the others' lists repeat.
SECTIONS = {
    "值班": ("夜里由两名护士轮流巡视病房，每两小时巡视一次。", "{ward}夜里多久巡视一次病房？"),
    "探视": ("家属每日下午三点至五点可以探视病人，每次两人。", "{ward}家属几点可以探视病人？"),
    "用药": ("口服药发放时要核对姓名与床号，送到床旁看服到口。", "{ward}口服药发放要核对什么？"),
    "交接": ("护士交接要逐床查看，双方在交接簿上签名。", "{ward}护士交接要在哪里签名？"),
}


@pytest.fixture
def wards(bring: Any, organization: Any) -> Collection:
    """Manuals that hold the answers, and a list that repeats the questions without answering any."""
    files = {
        f"{ward}工作手册.md": f"# {ward}工作手册\n\n"
        + "\n\n".join(f"## {name}\n\n{text}" for name, (text, _asked) in SECTIONS.items())
        for ward in WARDS
    }
    asked = [question.format(ward=ward) for ward in WARDS for _text, question in SECTIONS.values()]
    files["来电登记.md"] = "# 来电登记\n\n" + "\n\n".join(
        f"## 记录{number}\n\n来电询问：{question}已转有关部门。" for number, question in enumerate(asked, start=1)
    )
    bring(files)
    with tenant_context(organization.id):
        collection = collection_by_name("制度")
        for ward in WARDS:
            for name, (_text, question) in SECTIONS.items():
                place = f"{ward}工作手册#{name}"
                question_add(collection_id=collection.id, question=question.format(ward=ward), evidence=[place])
        return collection


@pytest.fixture
def only_people_s(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No further questions are made: what people asked is enough here."""
    monkeypatch.setattr(teaching, "WANTED", 0)
    yield


def learn(organization: Any, collection: Collection, owner: Any) -> StageRun:
    with tenant_context(organization.id, owner.user_id):
        run = learning_start(collection_id=collection.id)
    stage_run_execute(run_id=run.id, worker="test")
    with tenant_context(organization.id):
        return StageRun.objects.get(id=run.id)


@pytest.mark.usefixtures("only_people_s")
def test_what_is_better_on_held_out_documents_is_kept_and_undone_at_will(
    wards: Collection, organization: Any, owner: Any
) -> None:
    before = found_first(organization, wards)
    run = learn(organization, wards, owner)
    assert run.state == RunState.SUCCEEDED, run.error
    told = run.result
    assert told["kept"], told
    assert (told["questions"], told["approved"], told["folds"], told["generation"]) == (32, 32, 5, 1)
    assert told["metrics"]["mrr"]["difference_interval"][0] > 0
    after = found_first(organization, wards)
    assert after > before, (before, after)
    with tenant_context(organization.id):
        found = ranking_of(wards.id)
        assert found.weights == told["weights"]
        assert found.facts == told
        ranking_reset(collection_id=wards.id)
        assert ranking_of(wards.id).weights is None
        assert ranking_of(wards.id).facts == {}
        actions = list(AuditEvent.objects.filter(object_id=str(wards.id)).values_list("action", flat=True))
    assert {"ranking.learn", "collection.settings", "ranking.reset"} <= set(actions)
    assert found_first(organization, wards) == before


def found_first(organization: Any, collection: Collection) -> int:
    """For how many questions their own ward's manual comes first."""
    with tenant_context(organization.id):
        return sum(
            f"{ward}工作手册" in [each.candidate.title for each in retrieve(collection.id, asked).ranked[:1]]
            for ward in WARDS
            for asked in (question.format(ward=ward) for _text, question in SECTIONS.values())
        )


@pytest.mark.usefixtures("only_people_s")
def test_one_attempt_at_a_time_and_it_can_be_stopped(
    collection: Collection, organization: Any, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teaching, "LEAST", 1)
    with tenant_context(organization.id, owner.user_id):
        run = learning_start(collection_id=collection.id)
        assert learning_start(collection_id=collection.id).id == run.id
        assert ranking_of(collection.id).running
        stage_run_cancel(principal=Principal(owner.user_id, organization.id, "owner"), run_id=run.id)
        assert not ranking_of(collection.id).running
        assert learning_start(collection_id=collection.id).id != run.id


def test_questions_made_by_the_platform_join_but_not_those_that_a_person_rejected(
    collection: Collection, organization: Any, owner: Any
) -> None:
    with tenant_context(organization.id, owner.user_id):
        run = synthesis_start(collection_id=collection.id, target=10)
    stage_run_execute(run_id=run.id, worker="test")
    with tenant_context(organization.id):
        made = [row for row in TestQuestion.objects.order_by("number") if row.answerable]
        questions_review(collection_id=collection.id, question_ids=[made[0].id], state=QuestionState.REJECTED)
        questions_review(collection_id=collection.id, question_ids=[made[1].id], state=QuestionState.APPROVED)
        lesson = teaching._lesson(collection.id)
    asked = [item.question for item, _approved in lesson.questions]
    assert made[0].question not in asked
    assert [item.question for item, approved in lesson.questions if approved] == [made[1].question]
    assert {row.question for row in made[1:]} <= set(asked)
    assert len(asked) == len(set(asked))


def test_too_few_questions_say_what_to_do(collection: Collection, organization: Any, owner: Any) -> None:
    with tenant_context(organization.id), pytest.raises(LearningTooFew, match="30"):
        learning_start(collection_id=collection.id)


@pytest.mark.usefixtures("only_people_s")
def test_too_few_right_places_end_the_run_with_the_same_sentence(
    collection: Collection, organization: Any, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teaching, "LEAST", 3)
    with tenant_context(organization.id):
        question_add(collection_id=collection.id, question="夜班要几人？", evidence=["护理值班制度#第二条"])
    run = learn(organization, collection, owner)
    assert run.state == RunState.FAILED
    assert run.error["code"] == "learning_too_few_questions"
    with tenant_context(organization.id):
        assert ranking_of(collection.id).weights is None


@pytest.mark.usefixtures("only_people_s")
def test_what_gains_nothing_changes_nothing_by_command_too(
    collection: Collection, organization: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teaching, "LEAST", 2)
    with tenant_context(organization.id):
        for question, place in (("夜班要几人？", "第二条"), ("交班前多久写完护理记录？", "第一条")):
            question_add(collection_id=collection.id, question=question, evidence=[f"护理值班制度#{place}"])

    def run(*more: str) -> dict[str, Any]:
        out, where = StringIO(), ("--organization", organization.name, "--collection", "制度", "--json")
        call_command("knowledge", "learn", *where, *more, stdout=out)
        told: dict[str, Any] = json.loads(out.getvalue())
        return told

    told = run()
    assert (told["state"], told["result"]["kept"], told["weights"]) == ("succeeded", False, None)
    assert told["result"]["metrics"]["mrr"]["stock"] == told["result"]["metrics"]["mrr"]["learned"]
    assert run("--reset") == {"weights": None}


def test_strangers_find_nothing(collection: Collection, other_organization: Any) -> None:
    with tenant_context(other_organization.id):
        for act in (
            lambda: learning_start(collection_id=collection.id),
            lambda: ranking_reset(collection_id=collection.id),
            lambda: ranking_of(collection.id),
            lambda: ranking_of(uuid4()),
        ):
            with pytest.raises(NotFound):
                act()
