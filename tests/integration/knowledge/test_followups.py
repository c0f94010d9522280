"""What is offered to be asked next is answered when it is asked, comes from what the asker may read, and is new."""

from collections.abc import Callable
from typing import Any

import pytest

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge import followups
from liaoyuan.knowledge.answer import KnowledgeAnswer
from liaoyuan.knowledge.followups import follow_ups
from liaoyuan.knowledge.selectors import collection_by_name
from tests.integration.knowledge.conftest import Ask, Import

QUESTION = "医疗废物暂时贮存的时间不得超过几天？"
RULES = """# 医疗废物暂存管理规定

第一条 医疗废物暂时贮存的时间不得超过2天。

第二条 贮存设施应当每24小时消毒一次。

第三条 医疗废物转移联单保存的时间不得少于3年。

第四条 贮存场所的钥匙由后勤保障部负责保管。

第五条 护士不得将医疗废物混入生活垃圾。
"""
ENGLISH = """# Hand hygiene policy

## Surgical preparation

Surgical hand rubbing takes at least 3 minutes. Nurses must remove rings before surgical hand rubbing.

## Products

An opened bottle of alcohol rub must be discarded within 30 days. The pharmacist is responsible for the stock of gloves.
"""
SECRET = """# 院长办公室内部纪要

第一条 医疗废物处置合同由院长办公室负责签订。

第二条 医疗废物处置合同的总价不得超过 48 万元。
"""
Offer = Callable[..., list[str]]


@pytest.fixture
def offer(organization: Any, engine: Any, monkeypatch: pytest.MonkeyPatch) -> Offer:
    """Without a hurry: how much is found in what time is another question."""
    monkeypatch.setattr(followups, "BUDGET_SECONDS", 3600.0)

    def run(answer: KnowledgeAnswer, *asked: str, groups: tuple[str, ...] | None = None, **more: Any) -> list[str]:
        with tenant_context(organization.id, groups=groups):
            return follow_ups(collection_by_name("制度").id, answer, asked=asked, engine=engine, **more)

    return run


def test_every_offered_question_is_answered_and_none_comes_twice(bring: Import, ask: Ask, offer: Offer) -> None:
    bring({"医疗废物暂存管理规定.md": RULES})
    asked = [QUESTION]
    for _ in range(4):
        offered = offer(ask(asked[-1]), *asked)
        assert len(offered) <= 3
        assert not set(offered) & set(asked)
        assert not [question for question in offered if ask(question).abstained]
        if not offered:
            break
        asked.append(offered[0])
    assert len(asked) > 2


def test_an_english_answer_leads_on_in_english(bring: Import, ask: Ask, offer: Offer) -> None:
    bring({"hand-hygiene.md": ENGLISH})
    question = "How long does surgical hand rubbing take?"
    offered = offer(ask(question), question)
    assert offered and all(each.isascii() or "“" in each for each in offered)
    assert not [each for each in offered if ask(each).abstained]


def test_nothing_comes_from_a_document_that_the_asker_may_not_read(bring: Import, ask: Ask, offer: Offer) -> None:
    bring({"内部纪要.md": SECRET}, groups=["board"])
    question = "医疗废物处置合同由谁负责签订？"
    told = ask(question, groups=("board",))
    assert not told.abstained
    offered = offer(told, question, groups=("board",))
    assert any("合同" in each and "万元" in each for each in offered), offered
    assert offer(told, question, groups=("ward",)) == []
    assert offer(ask(question, groups=("ward",)), question, groups=("ward",)) == []


def test_an_abstention_offers_nothing_that_has_nothing_to_do_with_it(
    two_documents: Any, ask: Ask, offer: Offer
) -> None:
    question = "食堂周三的菜单是什么？"
    assert ask(question).abstained
    assert offer(ask(question), question) == []


def test_a_callers_own_condition_and_the_time_limit_hold(
    bring: Import, ask: Ask, offer: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring({"医疗废物暂存管理规定.md": RULES})
    found = ask(QUESTION)
    assert len(offer(found, QUESTION)) > 1
    assert offer(found, QUESTION, fits=lambda question: False) == []
    assert offer(found, QUESTION, limit=1) == offer(found, QUESTION)[:1]
    monkeypatch.setattr(followups, "BUDGET_SECONDS", 0.0)
    assert len(offer(found, QUESTION)) <= 1


def test_three_questions_are_the_rule_where_the_documents_answer_so_many(bring: Import, ask: Ask, offer: Offer) -> None:
    bring({"医疗废物暂存管理规定.md": RULES})
    assert len(offer(ask(QUESTION), QUESTION)) == 3
