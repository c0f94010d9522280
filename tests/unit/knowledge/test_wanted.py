"""A question for a value (how often, how long, how much, which day) is answered by such a value and by nothing else."""

import pytest

from liaoyuan.knowledge.abstain import features
from liaoyuan.knowledge.extract import extract
from liaoyuan.knowledge.question import Kind, analyse, fits
from liaoyuan.knowledge.rank import Candidate, Statistics, rank
from liaoyuan.knowledge.wanted import Value

ALL_ALIKE = Statistics(chunks=50, frequency={}, mean_terms=40.0)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("电梯多久维护保养一次？", Value.OFTEN),
        ("起重机隔多久自行检查？", Value.OFTEN),
        ("每个月能忘打卡几回？", Value.OFTEN),
        ("How often is the filter cleaned?", Value.OFTEN),
        ("多长时间内要报告？", Value.TIME),
        ("许可证有效期几年？", Value.TIME),
        ("Within what time must it be reported?", Value.TIME),
        ("How many working days does approval take?", Value.TIME),
        ("补办要交多少工本费？", Value.MONEY),
        ("How much does a rotor cost?", Value.MONEY),
        ("补考比例是百分之几？", Value.SHARE),
        ("What share of the pages is in German?", Value.SHARE),
        ("几岁可以退休？", Value.AGE),
        ("护士节是几月几号？", Value.DAY),
        ("食堂几点开门？", Value.CLOCK),
        ("一次最多装几吨？", Value.MEASURE),
        ("How heavy is the centrifuge?", Value.MEASURE),
        ("一名护士管几张床？", Value.COUNT),
        ("How many interns may a team have?", Value.COUNT),
        ("重大事故由谁组织调查？", None),
    ],
)
def test_the_sort_of_value_that_a_question_asks_for(text: str, value: Value | None) -> None:
    assert analyse(text).value is value


@pytest.mark.parametrize(
    ("question", "holds", "holds_none"),
    [
        ("电梯多久维护保养一次？", "电梯应当每半个月进行一次清洁、润滑。", "电梯应当定期维护保养。"),
        ("电梯多久维护保养一次？", "至少每15日进行一次维护保养。", "使用单位有50部电梯的，应当设立机构。"),
        ("电池多久放一次电？", "每季度进行一次核对性放电。", "电池的设计寿命为 8 年。"),
        ("多久要报告？", "应当立即报告。", "应当及时报告。"),
        ("多久要报告？", "应当在24小时内报告。", "应当向3个部门报告。"),
        ("多久体检？", "每年进行健康检查。", "应当进行健康检查。"),
        ("要交多少钱？", "证书免费发放。", "每人发放一份证书。"),
        ("一次最多装几吨？", "载重量不得超过500千克。", "使用期限不得超过3年。"),
        ("护士节是几月几号？", "每年8月19日为中国医师节。", "护士享有国家规定的节日。"),
        ("切换要几个人？", "切换操作必须由两人进行。", "切换操作必须有人监护。"),
        ("How often is the pin greased?", "Grease the pin every 100 runs.", "Grease the pin regularly."),
        ("How often is it cleaned?", "Clean the chamber weekly.", "Clean the chamber after 3 spills."),
        ("How long before must I apply?", "Apply at least 20 working days before.", "Apply to 2 offices before."),
        ("What visiting hours apply?", "Visitors may come from 14:00 to 16:00.", "Visitors may come in the afternoon."),
        ("How hot may the room get?", "The room must be between 15 and 30 °C.", "The room must have 2 exits."),
        ("How much does it cost?", "The upgrade is free.", "The upgrade takes 2 hours."),
    ],
)
def test_a_sentence_answers_only_with_that_sort_of_value(question: str, holds: str, holds_none: str) -> None:
    asked = analyse(question)
    assert fits(asked, holds)
    assert not fits(asked, holds_none)


def test_a_number_in_a_table_has_its_unit_in_the_head() -> None:
    assert fits(analyse("220千伏的最小距离是多少米？"), "220 | 1.8 | 带电作业")


def test_who_decides_an_amount_is_no_question_for_the_amount() -> None:
    assert analyse("教职工配多少人由谁定标准？").kind is Kind.WHO
    assert analyse("找谁申诉，多久给答复？").kind is Kind.AMOUNT


def test_a_verb_that_reaches_for_the_value_is_no_subject() -> None:
    question = analyse("电池室热到多少度要开备用空调？")
    assert "热到" not in question.words
    assert question.focus != "热到"


def _found(*texts: str) -> list[Candidate]:
    return [Candidate(str(place), "规程", "", text, 0.9 - place / 100, 1.0) for place, text in enumerate(texts)]


def test_evidence_without_the_value_is_told_from_evidence_that_holds_it() -> None:
    question = analyse("电梯多久维护保养一次？")
    without = rank(question, _found("电梯的维护保养单位应当保证电梯的安全。"), ALL_ALIKE)
    holding = rank(question, _found("电梯应当每15日进行一次维护保养。"), ALL_ALIKE)
    apart = rank(question, _found("电梯由维护保养单位维护保养。锅炉每年检验一次。"), ALL_ALIKE)
    assert features(question, without, ALL_ALIKE)["no_unit"] == 1
    assert features(question, holding, ALL_ALIKE)["no_unit"] == 0
    assert features(question, holding, ALL_ALIKE)["apart"] < features(question, apart, ALL_ALIKE)["apart"]


def test_the_passage_with_the_value_is_quoted_even_where_others_are_nearer() -> None:
    question = analyse("消防设施多久全面检测一次？")
    talk = "消防设施的全面检测由消防设施检测机构依法对消防设施进行全面检测。"
    ranked = rank(question, _found(talk, "检测每年至少进行一次。"), ALL_ALIKE)
    assert "检测每年至少进行一次。" in [quote.text for quote in extract(question, ranked, ALL_ALIKE)]


@pytest.mark.parametrize("asked", ["校长奖学金每年多少元", "校长奖学金每人每年多少钱？", "校长奖学金是多少"])
def test_how_often_is_not_what_the_value_is_of(asked: str) -> None:
    assert analyse(asked).focus == "奖学金"


@pytest.mark.parametrize(
    ("asked", "place"),
    [("期末考试安排在哪个教室？", "教室"), ("注册证从哪个网站下载？", "网站"), ("归哪个部门管？", "")],
)
def test_where_to_go_is_what_is_asked_for(asked: str, place: str) -> None:
    assert analyse(asked).focus == place
