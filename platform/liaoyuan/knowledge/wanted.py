"""What sort of value a question asks for (how often, how long, how much, which day) and whether a sentence holds one.

Sorts, not questions: 每半个月 and "annually" say how often, 立即 and "within 24 hours" how soon, 免费 how much money. A
sentence that merely speaks of the same thing (电梯应当定期维护保养) does not answer how often that is done.
"""

import re
from collections.abc import Sequence
from enum import StrEnum

from liaoyuan.knowledge.text.facts import Quantity, base_unit, quantities
from liaoyuan.knowledge.text.normalise import normalise


class Value(StrEnum):
    """The sorts of value that can be told apart by their letters."""

    OFTEN = "often"
    TIME = "time"
    MONEY = "money"
    SHARE = "share"
    AGE = "age"
    MEASURE = "measure"
    DAY = "day"
    CLOCK = "clock"
    COUNT = "count"


_NUMBER_HAN = "零〇一二两三四五六七八九十百千万半数几"
_PERIOD = r"(?:年|个?季度?|个?月|半月|个?星期|周|天|日|昼夜|个?小时|分钟|班次?|学期|学年|季)"
_PERIODS = "年 月 个月 日 周 时 分 分钟 秒 工作日 学时 课时 day week month year hour minute h s"
_LASTS = frozenset(_PERIODS.split())
_MONEY_UNITS = frozenset(["元", "%", "倍", "dollar"])

# Asked. The first that matches counts, so the more special ones stand first.
_ASKED: tuple[tuple[Value, re.Pattern[str]], ...] = (
    (
        Value.OFTEN,
        re.compile(
            rf"(?:隔|每隔)(?:几|多久|多长|多少)|(?:多久|多长时间|几{_PERIOD}|多少{_PERIOD}).{{0,12}}(?<!第)(?:[一1两几]|至少)(?:次|回|遍|趟|轮)"
            rf"|(?:每|一|1)个?{_PERIOD}.{{0,10}}(?:几|多少)(?:次|回|遍|趟|轮|场)|(?:几|多少)(?:次|回|遍|趟|轮|场)$|频率|频次"
            r"|how often|how frequent|how many times (?:a|per|each|every)|what (?:frequency|interval)|at what interval"
        ),
    ),
    (
        Value.AGE,
        re.compile(
            r"几岁|多大年龄|多少岁|多大岁数|年龄.{0,4}多(?:少|大)"
            r"|how old|(?:what|which) age|age (?:limit|of retirement)"
        ),
    ),
    (
        Value.MONEY,
        re.compile(
            r"多少钱|罚多少|罚几|多少元|花多少|多少(?:费用|工本费|停车费|学费)|收费.{0,3}多少|价.{0,3}多少"
            r"|(?:费|津贴|补贴|补助|奖金|工资|工钱|租金|房租|金额|薪资?范?围?)(?:标准)?(?:是|为|有|每月|一般)*多少"
            r"|how much (?:money|does|do|did|is|are|was|will|would).*(?:cost|pay|paid|fee|earn|price|charge)"
            r"|how much money"
            r"|what.*\b(?:cost|price|salary|fee|wage|fine)\b"
        ),
    ),
    (
        Value.SHARE,
        re.compile(r"百分之几|比例|百分比|percent|(?:what|which) (?:share|proportion|fraction|rate)\b"),
    ),
    (
        Value.DAY,
        re.compile(
            r"几月几[号日]|哪一?[天日年]|哪个月|几月份|何年|何月|几号(?!楼|线)|什么日子"
            r"|(?:what|which) (?:date|day|year|month)"
        ),
    ),
    (Value.CLOCK, re.compile(r"几点(?!建议|意见|要求)|(?<!within )(?:what|which) (?:time|(?:[a-z]+ )?hours?)\b")),
    (
        Value.TIME,
        re.compile(
            rf"多久|多长时间|多少时间|几个?{_PERIOD}|多少个?{_PERIOD}|几个?工作日|多少个?工作日|有效期|期限.{{0,3}}多[长久少]"
            r"|how long|how soon|within what"
            r"|how many (?:working |business |calendar )?(?:seconds|minutes|hours|days|weeks|months|years)"
        ),
    ),
    (
        Value.MEASURE,
        re.compile(
            r"多[高宽深远重厚快大](?:[？?，,。]|$|的?面积|距离|功率|电流|电压)|温度.{0,3}多少|多大面积"
            r"|(?:几|多少)(?:平方米|立方米|公里|千米|厘米|毫米|米|吨|公斤|千克|毫克|克|毫升|升|度|千瓦时|千瓦|兆瓦|千伏|伏|安|分贝|兆|[a-z]{1,4}\b)"
            r"|how (?:far|high|heavy|tall|wide|deep|hot|cold|warm|loud|fast|thick|big|large)\b"
            r"|what (?:temperature|voltage|dose|weight|speed)"
        ),
    ),
    (
        Value.COUNT,
        re.compile(
            r"几(?:个|名|位|张|家|人|间|台|本|篇|条|件|份|项|所|节|类|级|场|次|回|种|只|支|部|门|套|楼)"
            r"|多少(?:个|名|位|张|家|人|间|台|本|篇|条|件|份|项|所|节|类|级|场|次|种|只|支|部|门|套|学分|分)"
            r"|how many\b"
        ),
    ),
)

_OFTEN = re.compile(
    rf"每(?:隔|逢)?[{_NUMBER_HAN}\d]*\s*{_PERIOD}|[{_NUMBER_HAN}\d]+\s*{_PERIOD}(?:至少|应当|应|须|内)?.{{0,8}}?[一二两三四五六\d]\s*(?:次|回|遍)"
    rf"|(?:逐|按)(?:年|季|月|周|日|班|次)|年度|月度|季度|每次|每班|隔[{_NUMBER_HAN}\d]"
    r"|\b(?:annual|yearly|monthly|weekly|daily|hourly|quarterly|nightly|biweekly|fortnightly|biannual)"
    r"|\bevery\b|\beach (?:day|week|month|year|quarter|time|shift)"
    r"|\b(?:once|twice|times?) (?:a|an|per|each|every|in)\b|\bper (?:day|week|month|year|hour)"
)
# 及时 and 定期 are no value: they leave open what was asked.
_SOON = re.compile(
    r"立即|马上|当[日天场即]|即[时刻]|终身|终生|永久|不定期限|届满|次日|次年|隔日"
    r"|[半数]\s*(?:年|个?月|天|日|小时)|[一1两]\s*(?:学期|学年|季度)"
    r"|immediate|at once|forthwith|same day|lifelong|lifetime|permanent|indefinite|overnight|without delay"
    r"|\b(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|thirty|an?|several|few|couple of)"
    r" (?:(?:working|business|calendar|school|consecutive|full|more) )*(?:second|minute|hour|day|week|month|year)"
)
_FREE = re.compile(
    r"免费|不收费|无偿|不收(?:取)?|不得收|(?<!单)元|[$€£¥]|\b(?:free|dollars?|euros?|pounds?|yuan|usd|eur|cents?)\b"
)
_PART = re.compile(
    r"分之|[%％‰]|[一二三四五六七八九]成|一?半|多数|[\d一二三四五六七八九十百]+[:比][\d一二三四五六七八九十百]+"
    r"|\bpercent|\bhalf\b|\bthirds?\b|\bquarters?\b|\bmost\b"
)
_AGED = re.compile(r"岁|成年|\b(?:aged?|years? old|years? of age|childhood|adulthood|infancy|\d0s|birth|newborn)\b")
_DATED = re.compile(
    r"[\d一二三四五六七八九十]+\s*月(?:\s*[\d一二三四五六七八九十]+\s*[日号]|份|的?第)"
    r"|(?<!\d)[12]\d{3}(?!\d)|[〇零一二三四五六七八九]{4}年|次年|每年"
    r"|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d"
    r"|\d (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day|星期[一二三四五六日天]|周[一二三四五六日]"
)
_TIMED = re.compile(r"\d{1,2}\s*[:：时点]|[一二三四五六七八九十]+[点时]|\b\d{1,2} ?[ap]\.?m\b|\bnoon|midnight")
_SOME = re.compile(
    rf"\d|[{_NUMBER_HAN}双][个名位张家人间台本篇条件份项所节类级场次回种只支部门套者倍]"
    r"|[零〇一二两三四五六七八九十百千万亿]{2,}|一半|多数|唯一"
    r"|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundred|thousand|million|once|twice"
    r"|single|both|pair|dozen|none|several|few|rare)\b"
)
_CELLS = " | "


def value_wanted(folded: str) -> Value | None:
    """The sort of value that a question (:func:`normalise`) asks for; None where it asks for none or for any number."""
    bare = folded.rstrip("?？。!！ ")
    return next((value for value, pattern in _ASKED if pattern.search(bare)), None)


def holds_value(value: Value, sentence: str, asked: str = "") -> bool:
    """Whether ``sentence`` holds a value of that sort; ``asked`` is the folded question, whose unit a measure needs."""
    folded = normalise(sentence)
    if value in _BY_LETTERS:
        return _BY_LETTERS[value].search(folded) is not None
    found = quantities(sentence)
    # The unit of a table's column stands in its head.
    if _CELLS in folded and any(not item.unit for item in found):
        return True
    if value is Value.TIME:
        lasts = any(item.unit in _LASTS for item in found)
        return lasts or any(pattern.search(folded) for pattern in (_SOON, _OFTEN))
    if value is Value.MONEY:
        return any(item.unit in _MONEY_UNITS for item in found) or _FREE.search(folded) is not None
    if value is Value.AGE:
        return _AGED.search(folded) is not None or any(item.unit == "year" for item in found)
    return _measured(found, asked)


def _measured(found: Sequence[Quantity], asked: str) -> bool:
    """Whether one of the quantities found is of the dimension asked for; any number will do where that is unknown."""
    wanted = next((units for pattern, units in _DIMENSIONS if pattern.search(asked)), None)
    return any(base_unit(item.unit) in wanted for item in found) if wanted else bool(found)


_DIMENSIONS: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
    (re.compile(r"平方米|面积"), frozenset({"平方米"})),
    (re.compile(r"立方米|升|容[量积]"), frozenset({"立方米", "l"})),
    (re.compile(r"多[高宽深远]|米|公里|距离|how (?:far|high|tall|wide|deep|thick)"), frozenset({"m"})),
    (re.compile(r"多重|吨|公斤|克|heavy|weigh"), frozenset({"g"})),
    (re.compile(r"[几少]度|温度|how (?:hot|cold|warm)|temperature"), frozenset({"℃"})),
    (re.compile(r"千瓦时|度电"), frozenset({"kwh"})),
    (re.compile(r"功率|瓦"), frozenset({"w"})),
    (re.compile(r"电压|伏|voltage"), frozenset({"v"})),
    (re.compile(r"电流|几安|多少安"), frozenset({"a"})),
    (re.compile(r"分贝|how loud"), frozenset({"分贝", "db"})),
)

_BY_LETTERS = {
    Value.OFTEN: _OFTEN,
    Value.SHARE: _PART,
    Value.DAY: _DATED,
    Value.CLOCK: _TIMED,
    Value.COUNT: _SOME,
}
