"""Questions made by rules: each asks what its passage says, and its literal stands there word for word."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel

from liaoyuan.knowledge.questions.synthesis import absent, chatting, chinese, english, tables
from liaoyuan.knowledge.questions.synthesis.passages import Passage, Proposal
from liaoyuan.knowledge.questions.synthesis.picking import pick, trivial, without_boilerplate


def passage(text: str, *, document: str = "管理办法", kind: str = "clause", heading: str = "") -> Passage:
    return Passage(uuid4(), uuid4(), document, text, kind, (heading,) if heading else ())


class Letters:
    """Vectors of a text's letters: the same question twice is the same vector."""

    def embed(self, texts: Sequence[str], kind: str) -> Any:
        return (
            np.asarray([[float(text.count(chr(code))) for code in range(0x4E00, 0x9FA6, 7)] for text in texts]) + 1e-6
        )


NAMES = ("病历", "处方", "报告", "台账", "影像", "标本", "档案", "合同", "凭证", "记录")
CHINESE = [
    ("第三条 医疗废物暂时贮存的时间不得超过2天。", "医疗废物暂时贮存的时间最多多少天？", "不得超过2天"),
    ("第三条 医技人员确认危急值后，应当在 5 分钟内电话通知临床科室。", "多长时间内", "5 分钟内"),
    ("第二条 本办法所称医疗废物，是指医疗卫生机构产生的具有危害性的废物。", "医疗废物是指什么？", "医疗卫生机构产生"),
    ("第五条 任何科室不得转让、买卖医疗废物。", "科室可以转让、买卖医疗废物吗？", "不得转让、买卖医疗废物"),
    ("第二条 夜班护士每班不得少于两人，由护士长排班。", "由谁排班？", "护士长"),
    (
        "第九条 违反本办法规定，擅自处置医疗废物的，由卫生部门责令改正，处五千元罚款。",
        "会受到什么处罚？",
        "由卫生部门责令改正",
    ),
    (
        "第四条 申请执业应当具备下列条件：\n（一）有固定的执业场所；\n（二）有相应的卫生技术人员。",
        "哪些条件？",
        "有固定的执业场所",
    ),
    ("第六条 整个过程持续 40 至 60 秒。", "整个过程持续多少秒？", "40 至 60 秒"),
]
ENGLISH = [
    ("Incidents must be reported to the safety officer within 24 hours.", "Within how many hours", "24 hours"),
    (
        "If the lactate is above 4 mmol/L, a second sample is taken at once.",
        "What has to be done if",
        "a second sample",
    ),
    ("Visitors must not enter Zone IV without a screened escort.", "May visitors enter Zone IV", "must not enter"),
    (
        "The charge nurse is responsible for the daily check of the trolley.",
        "Who is responsible for",
        "The charge nurse",
    ),
    (
        "A near miss means an event that could have caused harm but did not.",
        "What is meant by “near miss”?",
        "an event",
    ),
]


@pytest.mark.parametrize(("text", "asked", "literal"), CHINESE)
def test_a_chinese_rule_becomes_a_question_with_its_literal_answer(text: str, asked: str, literal: str) -> None:
    found = list(chinese.propose(passage(text)))
    assert all(proposal.holds for proposal in found)
    hits = [proposal for proposal in found if asked in proposal.question]
    assert hits, [proposal.question for proposal in found]
    assert any(literal in said for proposal in hits for said in proposal.literals)
    assert not trivial(hits[0])


@pytest.mark.parametrize(("text", "asked", "literal"), ENGLISH)
def test_an_english_rule_becomes_a_question_with_its_literal_answer(text: str, asked: str, literal: str) -> None:
    found = list(english.propose(passage(text, document="policy")))
    hits = [proposal for proposal in found if proposal.question.startswith(asked)]
    assert hits, [proposal.question for proposal in found]
    assert any(literal in said for proposal in hits for said in proposal.literals)
    assert all(proposal.holds for proposal in found)


@pytest.mark.parametrize(
    "text",
    [
        "第一条 本办法自2024年3月1日起施行。",
        "第二条 依照本法第十二条的规定执行。",
        "第三条 前款规定的期限为三十日。",
        "云川市第一人民医院 手卫生规范",
    ],
)
def test_dates_references_and_mastheads_make_no_number_question(text: str) -> None:
    assert [each for each in chinese.propose(passage(text)) if each.type == "number"] == []


def test_a_cell_is_asked_for_by_its_row_and_its_column() -> None:
    text = "序号 | 项目 | 高值 | 书写人\n1 | 血钾 | 6.2 | 住院医师\n2 | 血钠 | 160 | –"
    found = {proposal.question: proposal.literals for proposal in tables.propose(passage(text, kind="table"))}
    assert found["血钾的高值是多少？"] == ("6.2",)
    assert all("序号" not in question and "–" not in literals for question, literals in found.items())


def test_the_unanswerable_speak_of_what_stands_nowhere() -> None:
    here = [passage("第一条 食堂供餐时间为七点。"), passage("序号 | 价格\n血钾 | 采购价格另定", kind="table")]
    found = list(absent.propose(here))
    assert found
    assert all(not proposal.answerable and not proposal.literals for proposal in found)
    assert not any("食堂" in proposal.question or "采购价格" in proposal.question for proposal in found)


def test_no_document_dominates_and_nothing_is_asked_twice() -> None:
    large = uuid4()
    rich = [
        Passage(uuid4(), large, "大", f"第{number}条 {name}的保存期限不得少于{number}年。")
        for number, name in enumerate(
            ["病历", "处方", "报告", "台账", "影像", "标本", "档案", "合同", "凭证", "记录"], start=2
        )
    ]
    poor = Passage(uuid4(), uuid4(), "小", "第一条 值班护士应当在30分钟内完成交接。")
    proposals = [each for one in [*rich, poor, poor] for each in chinese.propose(one)]
    chosen = pick(proposals, target=5, taken=[], engine=Letters())  # type: ignore[arg-type]
    documents = [proposal.passage.document_id for proposal in chosen]
    assert poor.document_id in documents
    assert documents.count(large) <= 4
    assert len({proposal.question for proposal in chosen}) == len(chosen)
    again = pick(proposals, target=5, taken=[each.question for each in chosen], engine=Letters())  # type: ignore[arg-type]
    assert not {each.question for each in chosen} & {each.question for each in again}


def test_what_stands_alike_in_two_documents_is_left_out() -> None:
    text = "第一条 本制度每3年修订一次。"
    both = [proposal for each in (passage(text), passage(text)) for proposal in chinese.propose(each)]
    assert without_boilerplate(both) == []


def test_a_chat_models_question_counts_only_if_its_answer_stands_in_the_passage() -> None:
    here = passage("第三条 医疗废物暂时贮存的时间不得超过2天，设施应当有明显的警示标识，并且每日清洁消毒。" * 2)
    right = json.dumps({"question": "废物能放多久？", "answer": "不得超过2天"}, ensure_ascii=False)
    wrong = json.dumps({"question": "废物能放多久？", "answer": "不得超过7天"}, ensure_ascii=False)
    for said, kept in ((f"好的：{right}", 1), (wrong, 0), ("没有 JSON", 0), ('{"question": ""}', 0)):
        assert len(chatting.propose([here], FakeListChatModel(responses=[said]))) == kept, said


def test_a_question_that_gives_itself_away_is_trivial() -> None:
    here = passage("第三条 保存三年。")
    assert trivial(Proposal(here, "档案保存三年是多久？", ("三年",), "number"))
    assert trivial(Proposal(here, "多久？", ("三年",), "number"))
