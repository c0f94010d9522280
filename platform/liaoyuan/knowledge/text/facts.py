"""Numbers with units, dates and negation: the parts of a sentence that an answer may never get wrong."""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from liaoyuan.knowledge.text.normalise import normalise

_DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_SCALES = {"十": 10, "百": 100, "千": 1000}
_SECTIONS = {"万": 10_000, "亿": 100_000_000}
_UNIT = (
    r"(?:个月|个?小时|分钟|个?工作日|个?学时|个?课时|个?星期|周岁|平方米|立方米|千伏安|兆帕|千帕|毫克|微克|毫升|千克|公斤|公里|千米|厘米|毫米|摄氏度|千瓦时|千瓦|兆瓦|千伏|千安|赫兹|次|倍|年|月|日|天|周|时|分|秒"
    r"|岁|元|人|名|个|种|类|级|米|吨|克|升|度|伏|安|瓦|件|份|项|章|条|款|页|学分|学时|课时|分贝|%|℃|°c|mg|μg|ug|ml|kg|km|cm|mm|kv|mpa|kpa|kwh|kw|mw|hz"
    r"|hours?|minutes?|days?|weeks?|months?|years?|percent|credits?|points?|times?|dollars?|beats?|g|l|m|v|a|w|h|s)"
)
_ARABIC = re.compile(rf"(?<![\d.])(\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?)\s*({_UNIT}(?![a-z]))?")
_ARABIC_ANY_CASE = re.compile(_ARABIC.pattern, re.IGNORECASE)
_HAN_NUMBER = re.compile(rf"(百分之)?([零〇一二两三四五六七八九十百千万亿]+)({_UNIT})?")
_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
    "ninety": 90,
}  # fmt: skip
_IN_WORDS = re.compile(rf"\b({'|'.join(_WORDS)})[ -]({_UNIT})\b")
_DATE = re.compile(r"(\d{4})\s*(?:年|[-/.])\s*(\d{1,2})\s*(?:月|[-/.])\s*(\d{1,2})\s*日?")
_NEGATION = re.compile(
    r"不得|不予|不能|不应|不可|不准|不许|不宜|不需|不必|不再|未经|未能|禁止|严禁|无需|无须|无权|没有|免于|不(?!但|仅|同|断|良|足|动产|少于|低于|超过|服|合格|大于|高于|小于|多于)"
    r"|\b(?:not|no|never|without|cannot|nor|neither|none|prohibited|forbidden)\b|n't\b"
)
_ALIASES = {
    "天": "日",
    "公斤": "千克",
    "公里": "千米",
    "percent": "%",
    "小时": "时",
    "个小时": "时",
    "个工作日": "工作日",
    "个学时": "学时",
    "个课时": "课时",
    "星期": "周",
    "个星期": "周",
    "名": "人",
    "°c": "℃",
    "ug": "μg",
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as it compares: the value in canonical decimal form and a canonical unit, or none."""

    value: str
    unit: str = ""


# Exact conversions only: a month has no fixed number of days, a working day is no day.
_BASE: dict[str, tuple[str, str]] = {
    "毫克": ("g", "0.001"), "mg": ("g", "0.001"), "微克": ("g", "0.000001"), "μg": ("g", "0.000001"),
    "克": ("g", "1"), "g": ("g", "1"), "千克": ("g", "1000"), "kg": ("g", "1000"), "吨": ("g", "1000000"),
    "毫升": ("l", "0.001"), "ml": ("l", "0.001"), "升": ("l", "1"), "l": ("l", "1"),
    "毫米": ("m", "0.001"), "mm": ("m", "0.001"), "厘米": ("m", "0.01"), "cm": ("m", "0.01"),
    "米": ("m", "1"), "m": ("m", "1"), "千米": ("m", "1000"), "km": ("m", "1000"),
    "伏": ("v", "1"), "v": ("v", "1"), "千伏": ("v", "1000"), "kv": ("v", "1000"),
    "安": ("a", "1"), "a": ("a", "1"), "千安": ("a", "1000"),
    "瓦": ("w", "1"), "w": ("w", "1"), "千瓦": ("w", "1000"), "kw": ("w", "1000"), "兆瓦": ("w", "1000000"),
    "mw": ("w", "1000000"), "千瓦时": ("kwh", "1"), "kwh": ("kwh", "1"),
    "千帕": ("kpa", "1"), "kpa": ("kpa", "1"), "兆帕": ("kpa", "1000"), "mpa": ("kpa", "1000"),
    "秒": ("s", "1"), "s": ("s", "1"), "分钟": ("s", "60"), "minute": ("s", "60"), "时": ("s", "3600"),
    "hour": ("s", "3600"), "h": ("s", "3600"), "日": ("s", "86400"), "day": ("s", "86400"), "周": ("s", "604800"),
    "week": ("s", "604800"), "个月": ("month", "1"), "month": ("month", "1"), "年": ("month", "12"),
    "year": ("month", "12"), "岁": ("year_old", "1"), "周岁": ("year_old", "1"), "度": ("℃", "1"),
    "摄氏度": ("℃", "1"), "℃": ("℃", "1"), "赫兹": ("hz", "1"), "hz": ("hz", "1"),
}  # fmt: skip


def base_quantities(text: str) -> set[tuple[Decimal, str]]:
    """The quantities of ``text`` in base units: 500 mg and 0.5 克 are one, 2 天 and 48 小时 too."""
    return {_in_base(quantity) for quantity in quantities(text)}


def _in_base(quantity: Quantity) -> tuple[Decimal, str]:
    unit, factor = _BASE.get(quantity.unit, (quantity.unit, "1"))
    return (Decimal(quantity.value) * Decimal(factor)).normalize(), unit


def base_unit(unit: str) -> str:
    """The base unit that ``unit`` counts in (千克 and 毫克 in g); itself where it has none."""
    return _BASE.get(unit, (unit, "1"))[0]


def han_number(digits: str) -> int | None:
    """The value of a Chinese numeral such as 一百二十 or 二〇二一; None where it is no numeral."""
    if all(character in _DIGITS for character in digits):
        return int("".join(str(_DIGITS[character]) for character in digits)) if digits else None
    total = section = number = 0
    for character in digits:
        if character in _DIGITS:
            number = _DIGITS[character]
        elif character in _SCALES:
            section += (number or 1) * _SCALES[character]
            number = 0
        else:
            total = (total + section + number) * _SECTIONS[character]
            section = number = 0
    return total + section + number


def _unit(raw: str | None) -> str:
    unit = raw or ""
    if len(unit) > 1 and unit.isascii() and unit.endswith("s") and unit.isalpha():
        unit = unit[:-1]
    return _ALIASES.get(unit, unit)


def _canonical(digits: str) -> str | None:
    try:
        value = Decimal(digits.replace(",", ""))
    except InvalidOperation:
        return None
    return format(value.normalize(), "f")


def quantities(text: str) -> list[Quantity]:
    """Every number of ``text`` in either script: 六十日 and "60 日" are one; a lone 一 without unit is no number."""
    folded = normalise(text)
    found = []
    for match in _ARABIC.finditer(folded):
        value = _canonical(match.group(1))
        if value is not None:
            found.append(Quantity(value, _unit(match.group(2))))
    for match in _IN_WORDS.finditer(folded):
        found.append(Quantity(str(_WORDS[match.group(1)]), _unit(match.group(2))))
    for match in _HAN_NUMBER.finditer(folded):
        percent, digits, unit = match.groups()
        value_of = han_number(digits)
        if value_of is None or not (percent or unit or len(digits) > 1) or digits in {"万", "亿", "百", "千", "万一"}:
            continue
        found.append(Quantity(str(value_of), "%" if percent else _unit(unit)))
    return found


def quantity_texts(text: str) -> list[str]:
    """The letters of every number with a unit, as they stand in ``text``: "35千伏", "220kV"."""
    return [match.group() for match in _ARABIC_ANY_CASE.finditer(text) if match.group(2)]


def dates(text: str) -> set[str]:
    """Full dates as ISO strings."""
    return {f"{int(year):04d}-{int(month):02d}-{int(day):02d}" for year, month, day in _DATE.findall(normalise(text))}


def negations(text: str) -> int:
    """How many negations the text carries; their parity is what an answer must keep."""
    return len(_NEGATION.findall(normalise(text)))


def unmatched(claim: str, evidence: str) -> list[Quantity]:
    """The quantities of ``claim`` that ``evidence`` does not hold; a claim without unit matches any unit."""
    held = quantities(evidence)
    exact = {_in_base(quantity) for quantity in held}
    values = {quantity.value for quantity in held}
    bare = {quantity.value for quantity in held if not quantity.unit}
    return [
        quantity
        for quantity in quantities(claim)
        if _in_base(quantity) not in exact and quantity.value not in (bare if quantity.unit else values)
    ]
