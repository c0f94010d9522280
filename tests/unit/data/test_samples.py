"""Operators that make and finish samples: literal answers, no leakage, and nothing of the gate."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaoyuan.data.operators.finish import decontaminate, split, write_messages
from liaoyuan.data.operators.synthesise import synthesise_qa
from liaoyuan.data.schemas import Outcome, Passage, Sample
from liaoyuan.industry.schemas.recipe import Decontaminate, Split, SynthesiseQa
from tests.unit.data.passages import passage

ABSTAIN = {"zh": "文件中没有依据。", "en": "The documents do not say."}
QA = SynthesiseQa(operator="synthesise_qa", unanswerable=0.25)
SPLIT = Split(operator="split", train=0.8, seed=17)


def made(passages: list[Passage], params: SynthesiseQa = QA, seed: int = 17) -> Outcome:
    return synthesise_qa(passages, params, seed=seed, abstain=ABSTAIN)


def many(documents: int = 5, each: int = 4) -> list[Passage]:
    return [
        passage(f"护士应当在交班前 {10 + d * each + n} 分钟完成第{n}类护理记录。", document=f"制度{d}")
        for d in range(documents)
        for n in range(each)
    ]


@pytest.mark.parametrize(
    ("text", "language", "kind", "question"),
    [
        (
            "护士应当在交班前 30 分钟完成护理记录。",
            "zh",
            "number",
            "按《手册》，护士应当在交班前多少分钟完成护理记录？",
        ),
        ("第三条 暂时贮存的时间不得超过2天。", "zh", "number", "按《手册》，暂时贮存的时间不得超过多少天？"),
        ("医务人员不得转让、买卖医疗废物。", "zh", "rule", "《手册》对“医务人员”有什么要求？"),
        ("有害气体的应急处置由安监部组织并记录。", "zh", "rule", "《手册》对“有害气体的应急处置”有什么要求？"),
        (
            "Borrowed books are returned within 14 days.",
            "en",
            "number",
            "According to the 手册, what number belongs in the blank: “Borrowed books are returned within ___ days.”",
        ),
        (
            "Every visitor must sign the register.",
            "en",
            "rule",
            "What does the 手册 say about “every visitor”?",
        ),
    ],
)
def test_the_question_asks_for_what_the_sentence_says(text: str, language: str, kind: str, question: str) -> None:
    sample = made([passage(text, document="手册", language=language)]).items[0]
    assert (sample.kind, sample.question, sample.answer) == (kind, question, text)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("It must be kept in a dry place always.", "en"),
        ("第三章 附则与其他说明事项", "zh"),
        ("今天天气晴朗，大家心情都很好。", "zh"),
        ("为了加强事故的应急处置工作，制定本办法。", "zh"),
        ("非学位授予单位的应届毕业生，另行规定办法。", "zh"),
        ("发生医疗纠纷的，医疗机构应当封存病历。", "zh"),
        ("对前款规定的人员应当进行专门培训和考核。", "zh"),
    ],
)
def test_a_sentence_that_asks_for_nothing_is_dropped_with_its_reason(text: str, language: str) -> None:
    outcome = made([passage(text, language=language)])
    assert outcome.items == []
    assert [drop.reason for drop in outcome.drops] == ["no_question"]


def test_a_language_outside_of_the_recipe_is_dropped() -> None:
    params = SynthesiseQa(operator="synthesise_qa", languages=("zh",))
    outcome = made([passage("Every visitor must sign the register.", language="en")], params)
    assert [drop.reason for drop in outcome.drops] == ["language"]


ZH = st.lists(
    st.builds(
        lambda who, verb, number, unit, tail: f"{who}{verb}在 {number} {unit}内{tail}",
        st.sampled_from(["护士", "值班医师", "各科室", "学生"]),
        st.sampled_from(["应当", "必须", "不得"]),
        st.integers(1, 999),
        st.sampled_from(["小时", "天", "个月", "分钟"]),
        st.text("完成记录并提交审核报告，、；。\n", min_size=2, max_size=60),
    ),
    min_size=1,
    max_size=12,
).map("。".join)
EN = st.lists(
    st.builds(
        lambda who, verb, number, unit: f"{who} {verb} reply within {number} {unit} of the first notice.",
        st.sampled_from(["Every student", "The ward manager", "It", "A visitor"]),
        st.sampled_from(["must", "shall", "may not", "is to"]),
        st.integers(1, 999),
        st.sampled_from(["days", "hours", "people", "fortnights"]),
    ),
    min_size=1,
    max_size=8,
).map(" ".join)


@given(zh=ZH, en=EN)
def test_every_answer_stands_word_for_word_in_its_evidence_and_evidence_in_its_passage(zh: str, en: str) -> None:
    passages = [passage(zh), passage(en, language="en", document="d2")]
    whole = {item.id: item.text for item in passages}
    for sample in made(passages).items:
        assert sample.evidence in whole[sample.source["passage"]]
        if sample.answerable:
            assert sample.answer in sample.evidence
            assert "多少" in sample.question or "___" in sample.question or sample.kind == "rule"
            assert sample.question != sample.answer
        else:
            assert sample.answer == ABSTAIN[sample.language]


def test_what_is_declined_has_a_question_and_evidence_of_two_documents() -> None:
    declined = [sample for sample in made(many()).items if not sample.answerable]
    assert len(declined) == round(20 * 0.25 / 0.75)
    for sample in declined:
        assert sample.source["question_document_version_id"] != sample.source["document_version_id"]
        assert sample.answer == ABSTAIN["zh"]


def test_a_single_document_gives_nothing_to_decline() -> None:
    assert all(sample.answerable for sample in made(many(documents=1)).items)


def test_a_long_document_does_not_crowd_out_the_short_ones() -> None:
    params = SynthesiseQa(operator="synthesise_qa", max_samples=6, unanswerable=0.0)
    short = [passage(f"{who}须在 3 天内返校。", document="短") for who in ("学生", "教师", "职工")]
    passages = many(documents=1, each=40) + short
    outcome = made(passages, params)
    by_document = [sample.source["document"] for sample in outcome.items]
    assert (by_document.count("短"), by_document.count("制度0")) == (3, 3)
    assert outcome.numbers["left_out"] == 37


def test_a_question_with_several_answers_is_dropped_and_says_so() -> None:
    twice = [passage(f"学生须在 {n} 天内返校。", document="d") for n in (3, 5)]
    vague = [
        passage("调查组应当公布调查的全部过程。", document="d"),
        passage("查明原因靠调查组的每一名成员。", document="d"),
    ]
    outcome = made([*twice, *vague, passage("值班医师必须当面交接全部危重患者。", document="d")])
    assert [sample.answer for sample in outcome.items] == ["值班医师必须当面交接全部危重患者。"]
    assert [drop.reason for drop in outcome.drops].count("ambiguous_question") == 3


def test_year_and_day_of_a_date_are_not_asked_for() -> None:
    outcome = made([passage("本次通知自2026年3月1日起在全校执行，为期 14 天。")])
    assert [sample.question for sample in outcome.items] == [
        "按《d1》，本次通知自2026年3月1日起在全校执行，为期多少天？"
    ]


def test_even_a_recipe_of_one_sample_gives_one() -> None:
    params = SynthesiseQa(operator="synthesise_qa", max_samples=1, unanswerable=0.5)
    assert len([sample for sample in made(many(), params).items if sample.answerable]) == 1


def test_the_same_seed_makes_the_same_samples() -> None:
    passages = many()
    params = SynthesiseQa(operator="synthesise_qa", max_samples=10, unanswerable=0.3)
    assert made(passages, params).items == made(passages, params).items
    assert made(passages, params).items != made(passages, params, seed=18).items


def asked(question: str, document: str = "d1", **more: str) -> Sample:
    source = {"document_version_id": document, "passage": f"{document}:{question}"} | more
    return Sample(f"{document}{question}", question, "答", "据", "zh", answerable=True, kind="rule", source=source)


@pytest.mark.parametrize(
    ("question", "gate", "dropped"),
    [
        ("医疗废物暂时贮存的时间不得超过多少天？", "请问：医疗废物，暂时贮存的时间 不得超过几天？", True),
        ("医疗废物暂时贮存的时间不得超过多少天？", "护理记录应当在交班前多久完成？", False),
        ("按《规范》，贮存不得超过多少天？", "贮存不得超过多少天？", True),
        ("HOW LONG may sharps be stored on the ward?", "how long may sharps be stored", True),
    ],
)
def test_a_question_of_the_gate_is_never_learnt(question: str, gate: str, dropped: bool) -> None:
    params = Decontaminate(operator="decontaminate", ngram=10)
    outcome = decontaminate([asked(question)], params, questions=[gate])
    assert [drop.reason for drop in outcome.drops] == (["gate_question"] if dropped else [])
    assert bool(outcome.items) is not dropped


@given(
    sizes=st.lists(st.integers(1, 9), min_size=2, max_size=12),
    share=st.floats(0.1, 0.9),
    seed=st.integers(0, 99),
)
def test_no_document_stands_on_both_sides(sizes: list[int], share: float, seed: int) -> None:
    samples = [asked(f"问{n}", f"d{d}") for d, size in enumerate(sizes) for n in range(size)]
    outcome = split(samples, Split(operator="split", train=share, seed=seed))
    sides = {
        name: {s.source["document_version_id"] for s in outcome.items if s.split == name} for name in ("train", "eval")
    }
    assert sides["train"] and sides["eval"]
    assert not sides["train"] & sides["eval"]
    assert outcome.numbers["by"] == "document" and len(outcome.items) == len(samples)


def test_a_sample_between_the_sides_is_dropped() -> None:
    samples = [asked("问", f"d{n}") for n in range(5)]
    eval_document = next(s.source["document_version_id"] for s in split(samples, SPLIT).items if s.split == "eval")
    train_document = next(s.source["document_version_id"] for s in split(samples, SPLIT).items if s.split == "train")
    crossing = asked("跨", train_document, question_document_version_id=eval_document)
    inside = asked("同", train_document, question_document_version_id=train_document)
    outcome = split([*samples, crossing, inside], SPLIT)
    assert [(drop.id, drop.reason) for drop in outcome.drops] == [(crossing.id, "crosses_split")]
    assert inside.id in {sample.id for sample in outcome.items}


def test_a_single_document_is_split_by_passage_and_says_so() -> None:
    outcome = split([asked(f"问{n}") for n in range(10)], SPLIT)
    assert outcome.numbers == {"by": "passage", "train_units": 8, "train": 8, "eval": 2}


def test_messages_end_with_what_is_learnt() -> None:
    answered, declined = asked("问"), Sample("x", "问", "无依据。", "据", "zh", False, "unanswerable", {})
    written = write_messages([answered, declined], lambda sample: f"<{sample.question}>")
    assert [sample.messages[-1]["content"] for sample in written] == ["答 [1]", "无依据。"]
    assert [sample.messages[0] for sample in written] == [{"role": "user", "content": "<问>"}] * 2


def test_the_words_more_than_once_in_a_window_do_not_lose_the_answer() -> None:
    text = "总则规定如下内容与说明。" * 12 + "护士应当在交班前30分钟完成护理记录。" + "附则规定如下内容与说明。" * 12
    sample = made([passage(text)]).items[0]
    assert sample.answer in sample.evidence and len(sample.evidence) <= 120
    assert re.search("总则|附则", sample.evidence)
