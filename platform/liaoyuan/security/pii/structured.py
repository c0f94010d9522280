"""Numbers and codes: found by form, confirmed by check digit, date, range or the words around them.

All patterns run over the plain form (see `normalise`), so they need not know full-width digits or invisible
characters; a gap of up to two spaces, hyphens or line breaks is allowed between the digits of one number.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from liaoyuan.security.pii import validators
from liaoyuan.security.pii.spans import Finding, Label

GAP = r"[\s\-]{0,2}"
# More gaps than this in a telephone number are a row of a table, unless every digit stands alone.
MAX_GAPS = 5
BEFORE = r"(?<![0-9A-Za-z_])(?<!\d[.\-])"
AFTER = r"(?![0-9A-Za-z_])(?!\.\d)"
IS = r"(?:号码|编号|号|ID|id|No\.?|NO\.?|number)?\s*(?:[:：#]|为|是|=)?\s*[(（]?\s*"
# A serial number that happens to look like a telephone is called by its own name.
NOT_PERSONAL = re.compile(
    r"(?:序列号|批次号|批号|订单号?|流水号|条码|条形码|单号|货号|型号|铭牌编号|出厂编号|版本|ISBN|SN|S/N|"
    r"serial|order|batch)"
    r"[\s:：#为是]*(?:no\.?|number)?\s*$",
    re.IGNORECASE,
)
CARD_WORDS = re.compile(
    r"银行卡|储蓄卡|信用卡|卡号|账号|账户|帐号|户头|card|account|visa|mastercard|amex", re.IGNORECASE
)
PLATE_REGIONS = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
MONTH_NAMES = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|"
    r"Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
DATE = (
    r"(?:(?:19|20)\d{2}\s?[-/.年]\s?\d{1,2}\s?[-/.月]\s?\d{1,2}日?|(?:19|20)\d{2}年\d{1,2}月|(?:19|20)\d{6}"
    rf"|\d{{1,2}}[/.\-]\d{{1,2}}[/.\-](?:19|20)\d{{2}}|{MONTH_NAMES}\.? \d{{1,2}}(?:st|nd|rd|th)?,? (?:19|20)\d{{2}}"
    rf"|\d{{1,2}} {MONTH_NAMES}\.?,? (?:19|20)\d{{2}})"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """`pattern` with the value in group 1 (or the whole match); `accept(text, start, end)` has the last word."""

    label: Label
    pattern: re.Pattern[str]
    score: float
    accept: Callable[[str, int, int], bool]


def compact(text: str) -> str:
    """The number without gaps, in upper case."""
    return re.sub(r"[\s\-]", "", text).upper()


def _always(text: str, start: int, end: int) -> bool:
    return True


def _valid(check: Callable[[str], bool]) -> Callable[[str, int, int], bool]:
    return lambda text, start, end: check(compact(text[start:end]))


def _not_serial(text: str, start: int) -> bool:
    return NOT_PERSONAL.search(text[max(0, start - 16) : start]) is None


def _phone(text: str, start: int, end: int) -> bool:
    number = re.sub(r"^\+?(?:0086|86)[\s\-]*", "", text[start:end])
    gaps = len(re.findall(r"[\s\-]+", number))
    return (gaps <= MAX_GAPS or gaps == 10) and _not_serial(text, start) and "序列号" not in text[end : end + 8]


def _landline(text: str, start: int, end: int) -> bool:
    return _not_serial(text, start) and not text[start:end].startswith(("000", "00-"))


def _bank_card(text: str, start: int, end: int) -> bool:
    number = compact(text[start:end])
    if not validators.luhn(number) or validators.looks_like_identity_card(number):
        return False
    named = CARD_WORDS.search(text[max(0, start - 24) : start]) is not None
    return named or (validators.card_scheme(number) and _not_serial(text, start))


def _old_card(text: str, start: int, end: int) -> bool:
    return "身份证" in text[max(0, start - 12) : start] and validators.old_identity_card(compact(text[start:end]))


def _passport(text: str, start: int, end: int) -> bool:
    near = text[max(0, start - 24) : end + 12]
    return re.search(r"护照|通行证|passport", near, re.IGNORECASE) is not None


def _credit_region(text: str, start: int, end: int) -> bool:
    """Registration body, kind and region fit; typing errors in the check digit must not let a code through."""
    return text[start + 2 : start + 4] in validators.REGIONS


def _ip(text: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - 6) : start], text[end : end + 2]
    versioned = re.search(r"(?:[vV]|版本号?|固件|第|version|条款)\s*[:：]?$", before) or after.startswith(
        ("条", "款", "节")
    )
    return not versioned and validators.ip_address(text[start:end])


def _ssn(text: str, start: int, end: int) -> bool:
    return validators.social_security_us(compact(text[start:end]))


def _named(words: str, value: str) -> re.Pattern[str]:
    """A value that only its name in front of it makes personal."""
    return re.compile(rf"(?:{words}){IS}({value}){AFTER}", re.IGNORECASE)


def _formed(value: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(rf"{BEFORE}({value}){AFTER}", flags)


def _gapped(first: str, count: int, last: str = "") -> str:
    return first + rf"(?:{GAP}\d){{{count}}}" + (rf"{GAP}{last}" if last else "")


RULES: tuple[Rule, ...] = (
    Rule(
        Label.EMAIL,
        re.compile(
            r"(?<![A-Za-z0-9._%+\-])([A-Za-z0-9][A-Za-z0-9._%+\-]*\s?@\s?(?:[A-Za-z0-9\-]+\.)+[A-Za-z]{2,"
            r"24})(?![A-Za-z0-9\-])"
        ),
        0.99,
        _always,
    ),
    Rule(
        Label.ID_CARD,
        re.compile(rf"(?<![0-9A-Za-z_])({_gapped('[1-9]', 16, '[0-9Xx]')})(?![0-9A-Za-z_])"),
        0.99,
        _valid(validators.identity_card),
    ),
    Rule(Label.ID_CARD, _formed(r"\d{15}"), 0.95, _old_card),
    Rule(
        Label.USCC,
        re.compile(
            r"(?<![0-9A-Za-z_])([0-9A-HJ-NPQRTUWXYa-hj-npqrtuwxy](?:[\s\-]{0,"
            r"2}[0-9A-HJ-NPQRTUWXYa-hj-npqrtuwxy]){17})(?![0-9A-Za-z_])"
        ),
        0.985,
        _valid(validators.credit_code),
    ),
    Rule(Label.USCC, _named("信用代码|纳税人识别号|税号|credit code", r"[0-9A-Z]{2}\d{6}[0-9A-Z]{10}"), 0.985, _always),
    Rule(Label.USCC, _formed(r"(?=[0-9]*[A-Z])[159][1239]\d{6}[0-9A-HJ-NPQRTUWXY]{10}"), 0.97, _credit_region),
    Rule(Label.BANK_CARD, _formed(rf"\d(?:{GAP}\d){{11,18}}"), 0.98, _bank_card),
    Rule(
        Label.PHONE,
        re.compile(
            r"(?<![0-9A-Za-z_])(?<!\d[.\-])((?:\+?(?:0086|86)[\s\-]{0,"
            rf"2}})?1{GAP}[3-9](?:{GAP}\d){{9}})(?![0-9A-Za-z])(?!\.\d)"
        ),
        0.97,
        _phone,
    ),
    Rule(
        Label.LANDLINE,
        _formed(r"\(?0(?:10|2\d|[3-9]\d{2})\)?[\s\-]{1,2}\d(?:[\s\-]?\d){6,7}(?:\s?(?:转|分机|-|ext\.?)\s?\d{1,5})?"),
        0.96,
        _landline,
    ),
    Rule(Label.LANDLINE, _formed(r"\(0(?:10|2\d|[3-9]\d{2})\)\d{7,8}"), 0.96, _landline),
    Rule(
        Label.LANDLINE,
        _named(
            "座机|固话|固定电话|办公电话|传真|值班电话|电话|Tel",
            r"0(?:10|2\d|[3-9]\d{2})\d{7,8}|[2-9]\d{3}[\s\-]?\d{3,4}",
        ),
        0.94,
        _landline,
    ),
    Rule(
        Label.STUDENT_NO,
        _named("学号|学籍号?|学生证|考生号?|准考证|student (?:no|number|id)", r"[A-Za-z]{0,3}\d{6,14}"),
        0.975,
        _always,
    ),
    Rule(
        Label.METER_NO,
        _named(
            "户号|用电编号|电表号?|表号|用户编号|客户编号|缴费号|电能表(?:资产)?(?:编号|号)?|meter (?:no|number)",
            r"\d{8,14}",
        ),
        0.975,
        _always,
    ),
    Rule(
        Label.MRN,
        _named(
            "住院号?|病案号?|病历号?|门诊号|就诊号|登记号|病人ID|患者ID|就诊卡|MRN|medical record",
            r"[A-Za-z]{0,4}-?\d{5,14}",
        ),
        0.975,
        _always,
    ),
    Rule(Label.MRN, _formed(r"(?:ZY|MZ|BA|JZ)(?:19|20)\d{6,10}"), 0.9, _always),
    Rule(
        Label.SOCIAL_SECURITY,
        _named("医保卡?|医疗保险|医保个人|社保卡?|社会保障|社会保险|参保|insurance|member", r"[A-Za-z]{0,2}\d{8,17}"),
        0.975,
        _always,
    ),
    Rule(Label.SOCIAL_SECURITY, _formed(r"\d{3}-\d{2}-\d{4}"), 0.97, _ssn),
    Rule(Label.SOCIAL_SECURITY, _named(r"social security|SSN", r"\d{3}[\s\-]?\d{2}[\s\-]?\d{4}"), 0.98, _ssn),
    Rule(
        Label.PASSPORT,
        _formed(r"(?:[EGDSPHMK]\d{8}|[EG][A-Z]\d{7}|[A-Z]{1,2}\d{6,8}|\d{9})", re.IGNORECASE),
        0.96,
        _passport,
    ),
    Rule(
        Label.LICENSE_PLATE,
        re.compile(
            rf"([{PLATE_REGIONS}][A-HJ-NP-Z][·.\s\-]{{0,2}}(?:[A-HJ-NP-Z0-9]{{5,6}}|"
            r"[A-HJ-NP-Z0-9]{4}[挂学警港澳领使]))(?![A-Za-z0-9])"
        ),
        0.97,
        _always,
    ),
    Rule(
        Label.WECHAT,
        re.compile(
            r"(?:微信号?|微信ID|加[Vv]|(?<![A-Za-z])[VvWw][Xx]|(?i:weixin|wechat))(?:号|ID|id|账号|"
            r"帐号)?\s*(?:[:：]|为|是|"
            r"=)?\s*([A-Za-z][-_A-Za-z0-9]{5,19})(?![A-Za-z0-9_@.])"
        ),
        0.95,
        _always,
    ),
    Rule(Label.WECHAT, _formed(r"wx(?:id)?_[A-Za-z0-9]{6,20}"), 0.96, _always),
    Rule(Label.QQ, _named("QQ", r"[1-9]\d{4,10}"), 0.96, _always),
    Rule(Label.IP, re.compile(r"(?<![0-9A-Za-z.])(\d{1,3}(?:\.\d{1,3}){3})(?![0-9])(?!\.\d)"), 0.96, _ip),
    Rule(
        Label.IP,
        re.compile(r"(?<![0-9A-Za-z:])((?:[0-9A-Fa-f]{1,4}:){2,7}(?::?[0-9A-Fa-f]{1,4})+)(?![0-9A-Za-z:])"),
        0.9,
        _ip,
    ),
    Rule(Label.DOB, re.compile(rf"({DATE})\s*(?:出生|生(?:[)）,，。;；、\s人]|$)|诞生)"), 0.97, _always),
    Rule(
        Label.DOB,
        re.compile(
            r"(?:出生日期|出生年月日?|出生时间|出生于|生日|生于|诞辰|出生|DOB|D\.O\.B\.?|(?i:date of birth|birth "
            r"?date|born(?: on)?|"
            rf"birthday))\s*(?:[:：(（]|为|是|is|on)?\s*({DATE})"
        ),
        0.97,
        _always,
    ),
    Rule(Label.IBAN, _formed(r"[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{2,4}){3,8}"), 0.97, _valid(validators.iban)),
    Rule(Label.DRIVER_LICENSE, _named(r"driver'?s? licen[cs]e|驾驶证|驾照", r"[A-Z]{0,2}\d{6,14}"), 0.95, _always),
)


def structured_findings(text: str) -> Iterator[Finding]:
    """Every number or code in the plain form `text`; overlaps are settled by the caller."""
    for rule in RULES:
        for match in rule.pattern.finditer(text):
            start, end = match.span(1)
            if rule.accept(text, start, end):
                yield Finding(start, end, rule.label, rule.score)
