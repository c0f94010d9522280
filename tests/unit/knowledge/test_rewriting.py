"""A follow-up becomes a question that stands alone; a new topic stays what it is."""

from collections.abc import Sequence

import pytest

from liaoyuan.knowledge.rewriting import Turn, faithful, standalone

REGISTRATION = "护士注册的有效期是几年？"
WASTE = "医疗废物暂时贮存最多多少天？"
FEE = "What is the late fee for library books?"


@pytest.mark.parametrize(
    ("before", "asked", "searched"),
    [
        (REGISTRATION, "那医师呢？", "医师注册的有效期是几年？"),
        (REGISTRATION, "它到期后怎么延续？", "护士注册的有效期到期后怎么延续？"),
        (WASTE, "超过了怎么处罚？", "医疗废物暂时贮存超过了怎么处罚？"),
        (WASTE, "由谁负责？", "医疗废物暂时贮存由谁负责？"),
        ("110kV 线路的安全距离是多少米？", "那220kV呢？", "220kV 线路的安全距离是多少米？"),
        ("110千伏线路保护区的宽度是多少米？", "35千伏呢？", "35千伏线路保护区的宽度是多少米？"),
        ("学位申请多少天内受理？", "博士学位呢", "博士学位申请多少天内受理？"),
        ("手卫生的五个时刻是什么？", "这个规定适用于外来人员吗？", "手卫生的五个时刻适用于外来人员吗？"),
        ("疫苗接种后要观察多久？", "如果是儿童呢？", "儿童，疫苗接种后要观察多久？"),
        ("谁负责批准工作票？", "他需要什么资格？", "负责批准工作票的人需要什么资格？"),
        ("工作票的有效期是多久？", "可以延期吗？", "工作票的有效期可以延期吗？"),
        ("什么是假药？", "那劣药呢？", "什么是劣药？"),
        ("药品上市许可持有人应当履行哪些义务？", "他们违反了怎么罚？", "药品上市许可持有人违反了怎么罚？"),
        (FEE, "Is it different for DVDs?", "Is it different for DVDs (late fee for library books)?"),
        (
            "How many credits must undergraduates complete?",
            "What about graduate students?",
            "How many credits must graduate students complete?",
        ),
        (
            "What is the retention period of nursing records?",
            "And what about medical images?",
            "What is the retention period of medical images?",
        ),
    ],
)
def test_what_a_follow_up_leaves_out_is_taken_from_the_turn_before(before: str, asked: str, searched: str) -> None:
    found = standalone(asked, [Turn(before)])
    assert (found.text, found.by) == (searched, "rules")


@pytest.mark.parametrize(
    ("before", "asked"),
    [
        (WASTE, "疫苗接种记录要保存多久？"),
        (REGISTRATION, "其他卫生技术人员的注册有效期是几年？"),
        (REGISTRATION, "医院不公示价格的，其法定代表人有什么责任？"),
        ("手卫生的五个时刻是什么？", "食堂周三的菜单是什么？"),
        (FEE, "How do I appeal a grade?"),
        (FEE, "Is it possible to renew a student card?"),
        (FEE, "Are there parking places for bicycles on the campus?"),
    ],
)
def test_a_new_topic_is_not_polluted_by_the_old_one(before: str, asked: str) -> None:
    found = standalone(asked, [Turn(before)])
    assert (found.text, found.changed) == (asked, False)


def test_a_follow_up_of_a_follow_up_rests_on_what_was_searched() -> None:
    first = standalone("那医师呢？", [Turn(REGISTRATION)])
    second = standalone("到期后怎么办理？", [Turn(REGISTRATION), Turn(first.text)])
    assert second.text.startswith("医师注册")


def test_the_first_question_is_never_changed() -> None:
    assert standalone("它的有效期是多久？", []).text == "它的有效期是多久？"


def test_a_model_may_word_the_question_but_bring_nothing_new() -> None:
    def tells(words: str) -> str:
        return standalone("那医师呢？", [Turn(REGISTRATION)], lambda turns, asked: words).text

    assert tells("问题：医师注册的有效期是几年？") == "医师注册的有效期是几年？"
    assert tells("北京协和医院的医师注册有效期是5年吗？") == "医师注册的有效期是几年？"
    assert tells("") == "医师注册的有效期是几年？"
    assert tells("How long is the registration valid?") == "医师注册的有效期是几年？"


@pytest.mark.parametrize(
    ("written", "stands"),
    [
        ("What is the late fee for DVDs?", True),
        ("What is the late fee for DVDs in Boston?", False),
        ("What is the late fee for 3 DVDs?", False),
        ("What is the late fee for library books?", False),
    ],
)
def test_faithful_is_what_adds_nothing_and_loses_nothing(written: str, stands: bool) -> None:
    turns: Sequence[Turn] = [Turn(FEE)]
    assert faithful(written, "And for DVDs?", turns) is stands
