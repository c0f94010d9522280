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


# Rules of manuals, guidelines and handbooks that nobody had in mind as the thresholds were chosen.
TWO_CASES = [
    ("成人每日最大剂量为4000毫克。", "儿童每日最大剂量为2000毫克。"),
    ("一级护理的患者每小时巡视一次。", "二级护理的患者每2小时巡视一次。"),
    ("本科生每学期最多可以借阅图书20册。", "研究生每学期最多可以借阅图书40册。"),
    ("35千伏线路的安全距离为1.0米。", "110千伏线路的安全距离为1.5米。"),
    ("年休假应当提前5个工作日申请。", "婚假应当提前10个工作日申请。"),
    ("较大事故由设区的市级人民政府组织调查，60日内提交报告。", "一般事故由县级人民政府组织调查，30日内提交报告。"),
    ("普通病房的室温应当保持在22℃至24℃。", "手术室的室温应当保持在21℃至25℃。"),
    ("工作日加班按照工资的150%支付加班费。", "休息日加班按照工资的200%支付加班费。"),
    ("医师不得开具与诊断无关的处方。", "医师可以开具电子处方。"),
    ("未经批准的，不得进入变电站。", "经批准的，可以进入变电站。"),
    ("学生不得在宿舍内使用大功率电器。", "学生可以在宿舍内使用电脑等小功率电器。"),
    ("2025年度的培训时间不少于24学时。", "2026年度的培训时间不少于32学时。"),
    ("新入职员工的试用期为6个月。", "实习生的实习期为3个月。"),
    ("住院病历保存不少于30年。", "门诊病历保存不少于15年。"),
    ("The deposit for a single room is 300 euros.", "The deposit for a double room is 450 euros."),
    ("Interns may work remotely two days a week.", "Employees may work remotely three days a week."),
    (
        "The swing-out rotor has a maximum speed of 5,000 rpm.",
        "The fixed-angle rotor has a maximum speed of 15,000 rpm.",
    ),
    ("Visitors must not enter the control room alone.", "Visitors may enter the control room with an escort."),
    ("The first reminder is sent after 14 days.", "The second reminder is sent after 28 days."),
    ("蓄电池每季度进行一次核对性放电。", "蓄电池每年进行一次容量试验。"),
    ("红色预警信号发布后2小时内完成撤离。", "橙色预警信号发布后6小时内完成撤离。"),
    ("有严重低血糖史的患者糖化血红蛋白目标为8.0%以下。", "无严重低血糖史的患者糖化血红蛋白目标为7.0%以下。"),
    ("夏季开放时间为7时至22时。", "冬季开放时间为8时至21时。"),
]
SAME_CASE = [
    ("蓄电池室温度超过28℃时应当开启备用空调。", "蓄电池室温度超过30℃时应当开启备用空调。"),
    ("住院病历保存不少于30年。", "住院病历保存不少于20年。"),
    ("年休假应当提前5个工作日申请。", "年休假应当提前10个工作日申请。"),
    ("Lost devices must be reported within two hours.", "Lost devices must be reported within 24 hours."),
    ("The warranty is 24 months from delivery.", "The warranty is 12 months from delivery."),
    ("实习生不得单独值班。", "实习生可以单独值班。"),
    ("UPS单台负载率不得超过80%。", "UPS单台负载率不得超过70%。"),
    (
        "Employees must not use personal computers to open customer data.",
        "Employees may use personal computers to open customer data.",
    ),
    ("迟到30分钟以内的，每次扣发当月全勤奖50元。", "迟到30分钟以内的，每次扣发当月全勤奖100元。"),
]


# One sentence measures several things: its halves are held against the other's, each with its own condition.
HALVES_DIFFER = [
    ("麻醉药品处方保存3年，精神药品处方保存2年。", "麻醉药品处方保存2年。"),
    ("普通处方保存1年。", "急诊处方保存2年，普通处方保存3年。"),
    ("试用期满考核不合格的，延长3个月；考核优秀的，缩短1个月。", "试用期满考核不合格的，延长6个月。"),
    ("Paper files are kept for 10 years, electronic files are kept for 5 years.", "Paper files are kept for 7 years."),
]
HALVES_AGREE = [
    ("麻醉药品处方保存3年，精神药品处方保存2年。", "精神药品处方保存2年。"),
    ("麻醉药品处方保存3年，精神药品处方保存2年。", "普通处方保存1年。"),
    ("患者的门诊病历资料应当保存3年。", "患者的门诊病历资料应当保存3年，患者的门诊病历资料复印件应当保存2年。"),
    ("情节较轻的，停职1个月；情节严重的，停职6个月。", "情节严重的，停职6个月。"),
    ("一级负荷每月巡视2次，二级负荷每月巡视1次。", "三级负荷每月巡视1次，二级负荷每月巡视1次。"),
    ("Day shifts last 8 hours, night shifts last 10 hours.", "Night shifts last 10 hours."),
]


@pytest.mark.parametrize(("one", "other"), HALVES_DIFFER)
def test_one_of_several_measures_is_contradicted(one: str, other: str) -> None:
    assert differs(one, other) == differs(other, one) == "number"


@pytest.mark.parametrize(("one", "other"), HALVES_AGREE)
def test_several_measures_contradict_no_other_case(one: str, other: str) -> None:
    assert differs(one, other) is differs(other, one) is None


@pytest.mark.parametrize(("one", "other"), TWO_CASES)
def test_two_rules_for_two_cases_are_no_contradiction(one: str, other: str) -> None:
    assert differs(one, other) is None


@pytest.mark.parametrize(("one", "other"), SAME_CASE)
def test_two_rules_for_the_same_case_are_one(one: str, other: str) -> None:
    assert differs(one, other) is not None


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
