"""What two sources say about the same thing is compared; what is merely alike raises no alarm."""

import pytest

from liaoyuan.knowledge.contradictions import contradictions, differs
from liaoyuan.knowledge.ground import check_grounded
from liaoyuan.knowledge.question import analyse
from liaoyuan.knowledge.rank import FEATURES, Candidate, Ranked, Statistics


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("医疗废物暂时贮存的时间不得超过2天。", "医疗废物暂时贮存的时间不得超过72小时。", "number"),
        ("护理记录应当在24小时内完成归档。", "护理记录应当在48小时内完成归档。", "number"),
        ("110千伏线路的安全距离为1.5米。", "110千伏线路的安全距离为1.0米。", "number"),
        ("The late fee for a library book is 5 dollars.", "The late fee for a library book is 8 dollars.", "number"),
        ("实习护士不得独立执行静脉给药操作。", "实习护士可独立执行静脉给药操作。", "negation"),
        ("值班人员应当佩戴绝缘手套进入开关室。", "值班人员可以佩戴绝缘手套进入开关室。", "modality"),
    ],
)
def test_a_seeded_contradiction_is_found(one: str, other: str, kind: str) -> None:
    assert differs(one, other) == kind


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("医疗废物暂时贮存的时间不得超过2天。", "医疗废物暂时贮存的时间不得超过48小时。"),
        ("第三条 医疗废物暂时贮存的时间不得超过2天。", "第八条 医疗废物暂时贮存的时间不得超过2天。"),
        ("护士执业注册有效期为5年。", "医师定期考核周期为2年。"),
        ("特别重大事故由国务院组织调查。", "重大事故由省级人民政府组织调查。"),
        ("申请筹设民办学校，应当提交下列材料：", "申请正式设立民办学校的，应当提交下列材料："),
        ("处五万元以上五十万元以下罚款。", "处十万元以上二十万元以下罚款。"),
    ],
)
def test_what_agrees_or_is_about_something_else_is_none(one: str, other: str) -> None:
    assert differs(one, other) in {None}


def test_both_places_are_told_to_the_letter() -> None:
    texts = ["第三条 医疗废物暂时贮存的时间不得超过2天。", "七、医疗废物暂时贮存的时间不得超过3天。"]
    ranked = [
        Ranked(Candidate(str(place), f"制度{place}", "", text, 0.9, 5.0), 5.0, dict.fromkeys(FEATURES, 0.0))
        for place, text in enumerate(texts)
    ]
    found = contradictions(analyse("医疗废物暂时贮存多少天？"), ranked, Statistics(10, {"医疗": 2}, 12.0))
    assert [pair.kind for pair in found] == ["number"]
    for side, text in ((found[0].left, texts[0]), (found[0].right, texts[1])):
        assert text[side.start : side.end] == side.text


@pytest.mark.parametrize(
    ("answer", "stands"),
    [
        ("每次剂量为0.5克，每日两次。", True),
        ("每次剂量为50毫克，每日两次。", False),
        ("给药后观察时间为120分钟。", True),
        ("给药后观察时间为90分钟。", False),
    ],
)
def test_a_number_in_another_unit_is_the_same_number(answer: str, stands: bool) -> None:
    evidence = ["每次剂量为500毫克，每日两次。给药后观察时间为2小时。"]
    assert check_grounded(answer, evidence).grounded is stands
