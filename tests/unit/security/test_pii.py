"""Personal data is found by form and check digit, however it is written, and nothing else is taken for it."""

from itertools import pairwise

import pytest

from liaoyuan.security.pii import validators
from liaoyuan.security.pii.mask import Pseudonymiser
from liaoyuan.security.pii.scanner import scan

CARD = "310115198208305794"


def found(text: str) -> set[tuple[str, str]]:
    return {(span.label, span.value) for span in scan(text)}


@pytest.mark.parametrize(
    ("text", "label", "value"),
    [
        (f"身份证号：{CARD}。", "ID_CARD", CARD),
        ("身份证３１０１１５１９８２０８３０５７９４", "ID_CARD", "３１０１１５１９８２０８３０５７９４"),
        ("身份证310115 1982 0830 5794", "ID_CARD", "310115 1982 0830 5794"),
        ("身份证310115-19820830-5794", "ID_CARD", "310115-19820830-5794"),
        ("身份证310115198208\n305794", "ID_CARD", "310115198208\n305794"),
        ("身份证3101\u200b15198208305794", "ID_CARD", "3101\u200b15198208305794"),
        ("手机１３９ ３３６１ ４８５４", "PHONE", "１３９ ３３６１ ４８５４"),
        ("手机139-3361-4854", "PHONE", "139-3361-4854"),
        ("手机1 3 9 3 3 6 1 4 8 5 4，", "PHONE", "1 3 9 3 3 6 1 4 8 5 4"),
        ("请拨+86 139 3361 4854", "PHONE", "+86 139 3361 4854"),
        ("座机0551-5993234，", "LANDLINE", "0551-5993234"),
        ("值班电话（021）88210608", "LANDLINE", "（021）88210608"),
        ("银行卡4367 4279 1378 8482 881", "BANK_CARD", "4367 4279 1378 8482 881"),
        ("统一社会信用代码91340100M2EL8DHXT2", "USCC", "91340100M2EL8DHXT2"),
        ("持护照E64443631就诊", "PASSPORT", "E64443631"),
        ("车牌皖A9KF1V停在", "LICENSE_PLATE", "皖A9KF1V"),
        ("新能源车皖A·D12345", "LICENSE_PLATE", "皖A·D12345"),
        ("住院号ZY2023306139", "MRN", "ZY2023306139"),
        ("医保卡号8045147763", "SOCIAL_SECURITY", "8045147763"),
        ("学号：2025442325", "STUDENT_NO", "2025442325"),
        ("户号3420101615", "METER_NO", "3420101615"),
        ("微信号wx_mpb3u2m7", "WECHAT", "wx_mpb3u2m7"),
        ("邮箱sydmd876@hospital.example.cn", "EMAIL", "sydmd876@hospital.example.cn"),
        ("主机183.10.46.58异常", "IP", "183.10.46.58"),
        ("（1993年5月1日生）", "DOB", "1993年5月1日"),
        ("出生日期：1993/05/01", "DOB", "1993/05/01"),
    ],
)
def test_a_number_is_found_however_it_is_written(text: str, label: str, value: str) -> None:
    assert (label, value) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "身份证号码校验位错误的编号370102201409099316仅用于测试。",
        "订单批次号 138001380001234567 为设备序列号，不是电话。",
        "主变压器铭牌编号20230815001，额定容量180000kVA。",
        "ISBN 9787040599008",
        "白细胞6.21×10^9/L，血红蛋白138g/L，血小板215×10^9/L。",
        "依据《电力安全工作规程》第13.2.4.1条，许可后方可工作。",
        "三相电流分别为120.3A、119.8A、121.0A。",
        "95598 是国家电网客户服务热线。",
        "白云山变电站与黄河路变电站联络线停电检修。",
        "张力计读数为0.35MPa，黄山雪松号巡检机器人完成12个点位。",
        "高血压患者应低盐饮食，于今日起执行。",
        "县级以上人民政府应当加强对学校和医疗机构的管理。",
        "设A(1,2)、B(3,4)，求直线AB的方程。",
        "What is Parkinson disease? The transformer T1 feeds the 110 kV line.",
        "{{7*7}} ${7*7} {% debug %}",
    ],
)
def test_what_only_looks_personal_is_left_alone(text: str) -> None:
    assert found(text) == set()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("联系人于生，座机", "于生"),
        ("夏侯俊艳同学请假", "夏侯俊艳"),
        ("余芳诗老师您好", "余芳诗"),
        ("陳志明先生來電", "陳志明"),
        ("患者李\u200b雷，男，", "李\u200b雷"),
        ("Dr. Alice Walker called", "Alice Walker"),
        ("My name is Joanna Hertzog.", "Joanna Hertzog"),
    ],
)
def test_people_are_found_by_name_and_context(text: str, name: str) -> None:
    assert ("PERSON", name) in found(text)


@pytest.mark.parametrize(
    ("text", "label", "value"),
    [
        (
            "现住安徽省合肥市蜀山区科苑南路283号29栋2单元2354室，",
            "ADDRESS",
            "安徽省合肥市蜀山区科苑南路283号29栋2单元2354室",
        ),
        ("我是华东电力试验研究院的", "ORG", "华东电力试验研究院"),
        ("送至仁和医院检查", "ORG", "仁和医院"),
        ("I live at 4512 Maple Street, Springfield, IL 62704.", "ADDRESS", "4512 Maple Street, Springfield, IL 62704"),
        ("Call (212) 555-0143 tonight", "PHONE", "(212) 555-0143"),
        ("SSN 536-22-8844", "SOCIAL_SECURITY", "536-22-8844"),
        ("IBAN DE89370400440532013000", "IBAN", "DE89370400440532013000"),
    ],
)
def test_places_organizations_and_foreign_forms(text: str, label: str, value: str) -> None:
    assert (label, value) in found(text)


def test_spans_are_ordered_disjoint_and_literal() -> None:
    text = f"班主任薛兰，身份证{CARD}，手机13367929081，微信号wx_mpb3u2m7。"
    spans = scan(text)
    assert [text[span.start : span.end] for span in spans] == [span.value for span in spans]
    assert all(a.end <= b.start for a, b in pairwise(spans))


@pytest.mark.parametrize("digit", "0123456789")
def test_only_one_check_digit_makes_an_identity_card(digit: str) -> None:
    assert validators.identity_card(CARD[:-1] + digit) == (digit == CARD[-1])


def test_a_date_that_does_not_exist_makes_no_identity_card() -> None:
    assert not validators.looks_like_identity_card("310115198202305794")


KEY = b"k" * 32


def test_the_same_person_keeps_one_pseudonym_inside_a_data_set() -> None:
    mask = Pseudonymiser(KEY)
    first, second = "患者张伟，电话13800138000。", "张伟先生来电，手机138-0013-8000。"
    masked = [mask.mask(text, scan(text)) for text in (first, second)]
    tokens = [part.split("〕")[0] for text in masked for part in text.split("〔")[1:]]
    assert len(tokens) == 4
    assert len(set(tokens)) == 2
    assert not any("张伟" in text or "8000" in text for text in masked)


def test_another_key_gives_other_pseudonyms_and_a_weak_key_is_refused() -> None:
    token = Pseudonymiser(KEY).token("PERSON", "张伟", language="zh")
    assert token != Pseudonymiser(b"o" * 32).token("PERSON", "张伟", language="zh")
    assert Pseudonymiser(KEY).token("PERSON", "John", language="en").startswith("[PERSON-")
    with pytest.raises(ValueError, match="16 bytes"):
        Pseudonymiser(b"short")


def test_masking_leaves_template_syntax_literal() -> None:
    text = "{{7*7}} 患者张伟"
    assert Pseudonymiser(KEY).mask(text, scan(text)).startswith("{{7*7}} 患者〔姓名-")
