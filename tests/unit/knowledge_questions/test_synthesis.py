"""Questions made by rules: each asks what its passage says, and its literal stands there word for word."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel

from liaoyuan.knowledge.questions.synthesis import absent, chatting, chinese, english, tables
from liaoyuan.knowledge.questions.synthesis.passages import Passage, Proposal
from liaoyuan.knowledge.questions.synthesis.picking import Picked, pick
from liaoyuan.knowledge.questions.synthesis.quality import Flaw, broken, flaw_of, names, points_back, told


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
    assert flaw_of(hits[0]) is None


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
    chosen = picked(proposals, target=5).chosen
    documents = [proposal.passage.document_id for proposal in chosen]
    assert poor.document_id in documents
    assert documents.count(large) <= 4
    assert len({proposal.question for proposal in chosen}) == len(chosen)
    again = picked(proposals, target=5, taken=[each.question for each in chosen]).chosen
    assert not {each.question for each in chosen} & {each.question for each in again}


def picked(proposals: Sequence[Proposal], **more: Any) -> Picked:
    return pick(proposals, **{"target": 20, "taken": [], "engine": Letters(), **more})


def test_what_stands_alike_in_two_documents_is_left_out_and_counted() -> None:
    text = "第一条 病历管理制度应当在3年内完成修订。"
    both = [proposal for each in (passage(text), passage(text)) for proposal in chinese.propose(each)]
    found = picked(both)
    assert found.chosen == []
    assert found.left_out[Flaw.BOILERPLATE] == 2


def test_of_one_document_in_two_formats_each_question_is_kept_once() -> None:
    rules = "\n".join(
        f"第{number}条 {name}的保存期限不得少于{number}年。" for number, name in enumerate(NAMES, start=2)
    )
    copies = [passage(rules, document="档案.docx"), passage(rules, document="档案.pdf")]
    kept = picked([proposal for each in copies for proposal in chinese.propose(each)], target=40).chosen
    assert len(kept) >= 2
    assert {each.passage.document for each in kept} == {"档案.docx"}


BROKEN = [
    "进入距水工建筑物3 多少米区域内游泳的行为？",
    "进入距水工建筑物多少米区域内捕鱼及其他可能\n讲解要点？",
    "对按照规定多少次性使用的医疗器具？",
    "由患者（近亲属签字的时间是多久？",
    "电力运行事故由哪些原因之一造成？",
    "消防救援机构要自受理申请之日起？",
    "What is the purpose of the?",
    "What has to be done if a caregiver suspects that within one week?",
    "May because an idle duck cannot fly or move quickly?",
    "What is the the label of a sample?",
]
WHOLE = [
    "医疗废物暂时贮存的时间最多多少天？",
    "登记资料至少保存多久？",
    "从业人员超过多少人的，要设置安全生产管理机构？",
    "罚款在多少元以下的，由谁决定？",
    "Within how many hours must incidents be reported to the safety officer?",
    "What is meant by “near miss”?",
]


@pytest.mark.parametrize("question", BROKEN)
def test_a_piece_of_a_sentence_is_no_question(question: str) -> None:
    assert broken(question)


@pytest.mark.parametrize("question", WHOLE)
def test_a_whole_question_is_left_alone(question: str) -> None:
    assert not broken(question)
    assert not points_back(question)


@pytest.mark.parametrize(
    "question",
    [
        "违反前款规定的单位会受到什么处罚？",
        "该设备由谁批准停运？",
        "应当具备下列条件的医师是谁？",
        "本法第二十条规定的费用由谁承担？",
        "哪些情形下，不予注册？",
        "原发证机关要自收到申请之日起多长时间内作出决定？",
        "What does this section say about the valve?",
        "Who approves it?",
    ],
)
def test_a_question_that_leans_on_words_elsewhere_is_left_out(question: str) -> None:
    assert points_back(question)


def test_a_number_is_not_asked_for_where_its_clause_was_cut_off() -> None:
    here = passage("消防救援机构应当自受理申请之日起十个工作日内，按照标准对该场所进行检查。")
    fragment = Proposal(here, "消防救援机构要自受理申请之日起多长时间内？", ("十个工作日内",), "number")
    assert flaw_of(fragment) is Flaw.BROKEN
    goes_on = "第五条 消防机构应当自受理申请之日起十个工作日内，对公众聚集场所进行检查。"
    whole = next(each for each in chinese.propose(passage(goes_on)) if each.type == "number")
    assert whole.question.endswith("多长时间内，对公众聚集场所进行检查？")
    assert flaw_of(whole) is None


@pytest.mark.parametrize(
    "words", ["第十九条", "内容", "Column B", "Row 1, Col 1", "R1", "III", "data1", "Page 2", "⁄4 inch, the", "42"]
)
def test_a_label_names_nothing_that_could_be_asked_for(words: str) -> None:
    assert not names(words)


@pytest.mark.parametrize("words", ["血钾", "高值", "Freshwater ducks", "Date", "Widget A", "2022年度"])
def test_a_name_may_be_asked_for(words: str) -> None:
    assert names(words)


def test_a_row_that_stands_twice_is_ambiguous_and_a_row_without_a_name_is_a_label() -> None:
    twice = passage("年份 | 月份 | 数量\n2025年 | 一月 | 12\n2025年 | 二月 | 15", kind="table")
    assert {flaw_of(each) for each in tables.propose(twice)} == {Flaw.AMBIGUOUS}
    numbered = passage("条款 | 内容\n第十九条 | 禁止收购电力器材", kind="table")
    assert {flaw_of(each) for each in tables.propose(numbered)} == {Flaw.LABEL}
    years = passage("Year | Freshwater ducks\n2019 | 120\n2020 | 135", kind="table")
    asked = {each.question: flaw_of(each) for each in tables.propose(years)}
    assert asked["What is the freshwater ducks for 2020?"] is None


def test_an_answer_is_a_whole_wording_and_no_piece_of_a_number() -> None:
    here = passage("第七条 进入距水工建筑物300米区域内捕鱼的，由水利部门处罚。")
    assert flaw_of(Proposal(here, "进入距水工建筑物多少米的区域内是捕鱼违法？", ("00米",), "number")) is Flaw.LITERAL
    assert flaw_of(Proposal(here, "进入距水工建筑物多少米的区域内是捕鱼违法？", ("300米",), "number")) is None
    assert flaw_of(Proposal(here, "水利部门处罚进入什么区域的人？", ("500米",), "fact")) is Flaw.LITERAL


def test_other_languages_are_left_out_as_such() -> None:
    here = passage("분류 | 개정전\n감염병 | 1군 감염병", kind="table")
    assert {flaw_of(each) for each in tables.propose(here)} <= {Flaw.LANGUAGE, Flaw.LABEL}
    assert flaw_of(Proposal(here, "What is the 개정전 of 감염병?", ("1군 감염병",), "table")) is Flaw.LANGUAGE


def test_what_has_two_answers_is_asked_in_neither_way() -> None:
    document = uuid4()
    both = [
        Passage(uuid4(), document, "制度", f"第{number}条 门诊病历的保存期限不得少于{years}年。")
        for number, years in ((1, 15), (2, 30))
    ]
    found = picked([proposal for each in both for proposal in chinese.propose(each)])
    assert not [each for each in found.chosen if each.type == "number"]
    assert found.left_out[Flaw.AMBIGUOUS] >= 1


def test_types_and_lengths_are_spread_over_the_whole_set() -> None:
    texts = [
        (
            f"第{number}条 {name}的保存期限不得少于{number}年。\n任何科室不得涂改{name}。\n"
            f"{name}由档案室保管，借阅手续齐全。\n丢失{name}造成严重后果的，由卫生部门责令改正，处五千元罚款。"
        )
        for number, name in enumerate(NAMES, start=2)
    ]
    found = picked([each for text in texts for each in chinese.propose(passage(text, document=text[:12]))], target=12)
    types = Counter(each.type for each in found.chosen)
    assert len(types) >= 3
    assert max(types.values()) <= 2 * min(types.values()) + 1


def test_an_unanswerable_question_is_dropped_where_the_search_finds_its_answer_in_other_words() -> None:
    here = passage("名称 | 用途\n除颤仪 | 急救", kind="table")
    asked = next(each for each in absent.propose([here]) if "除颤仪" in each.question)
    assert asked.form == "生产厂家"
    assert not absent.answered_by(asked, ["除颤仪由设备科每日检查。", "呼吸机的厂商是医疗设备公司。"])
    assert absent.answered_by(asked, ["除颤仪的厂商每年检修。"])
    found = picked([asked], answered=lambda proposal: True)
    assert found.chosen == [] and found.left_out == {Flaw.ANSWERED: 1}


def test_no_unanswerable_thing_is_asked_of_every_document() -> None:
    many = [passage("第一条 值班护士交接班。", document=f"{name}管理办法") for name in NAMES]
    found = picked(list(absent.propose(many)), target=100)
    forms = Counter(each.form for each in found.chosen)
    assert len(forms) >= 10
    assert max(forms.values()) <= 2


def test_the_reasons_are_told_in_both_languages_the_commonest_first() -> None:
    chinese_words, english_words = told({"twin": 3, "broken": 12})
    assert chinese_words == "残句 12、与另一题近似 3"
    assert english_words == "broken sentence 12, nearly the same as another 3"


def test_a_chat_models_question_counts_only_if_its_answer_stands_in_the_passage() -> None:
    here = passage("第三条 医疗废物暂时贮存的时间不得超过2天，设施应当有明显的警示标识，并且每日清洁消毒。" * 2)
    right = json.dumps({"question": "废物能放多久？", "answer": "不得超过2天"}, ensure_ascii=False)
    wrong = json.dumps({"question": "废物能放多久？", "answer": "不得超过7天"}, ensure_ascii=False)
    for said, kept in ((f"好的：{right}", 1), (wrong, 0), ("没有 JSON", 0), ('{"question": ""}', 0)):
        assert len(chatting.propose([here], FakeListChatModel(responses=[said]))) == kept, said


def test_a_question_that_gives_itself_away_or_asks_nothing_is_left_out() -> None:
    here = passage("第三条 保存三年。")
    assert flaw_of(Proposal(here, "病历档案是保存三年吗？", ("三年",), "fact")) is Flaw.GIVEN_AWAY
    assert flaw_of(Proposal(here, "多久？", ("三年",), "number")) is not None
