"""What a question asks for: its kind, the unit it expects, and the terms evidence must speak about."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from liaoyuan.knowledge.text.everyday import everyday
from liaoyuan.knowledge.text.facts import Quantity, quantities
from liaoyuan.knowledge.text.find import TermFinder
from liaoyuan.knowledge.text.normalise import is_chinese, normalise
from liaoyuan.knowledge.text.segment import question_terms, question_words, sounds_like_a_name, stem
from liaoyuan.knowledge.text.synonyms import Synonyms, variants_in
from liaoyuan.knowledge.wanted import Value, holds_value, value_wanted


class Kind(StrEnum):
    """The shape of the answer that a question wants."""

    AMOUNT = "amount"
    WHO = "who"
    WHEN = "when"
    LIST = "list"
    PENALTY = "penalty"
    REASON = "reason"
    YES_NO = "yes_no"
    HOW = "how"
    FACT = "fact"


_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (
        Kind.PENALTY,
        re.compile(
            r"怎么罚|如何处罚|怎么处罚|怎样处罚|罚多少|罚款|什么处罚|法律责任|什么后果|penalt|fined?\b|sanction"
        ),
    ),
    (
        Kind.AMOUNT,
        re.compile(
            r"多少|多久|多长|多大|多高|多远|多重|几(?!乎|率|何|类|种)|第几|上限|下限|最高|最低|最多|最少"
            r"|how (?:many|much|long|often|far|high|old|soon|large|big|fast)"
            r"|how (?:heavy|hot|cold|warm|tall|wide|deep|loud|thick)"
            r"|what (?:percentage|number|amount|dose|age|temperature|voltage)"
        ),
    ),
    (
        Kind.WHO,
        re.compile(
            r"谁|何人|哪个(?:部门|机构|单位|机关)|哪些(?:部门|机构|单位|机关|人)|哪一?级|什么(?:部门|机构|单位|机关|人)|由哪|\bwho\b|\bwhom\b|\bwhose\b"
            r"|which (?:department|body|authority|office|person|committee|unit|role)"
        ),
    ),
    (Kind.WHEN, re.compile(r"什么时候|何时|哪一?天|哪年|几月|几号|日期|\bwhen\b|what (?:date|time|day|year)|deadline")),
    (
        Kind.LIST,
        re.compile(
            r"哪些|哪几|几种|几类|什么条件|什么材料|什么手续|有何|包括什么|包含什么|什么内容|什么情形|什么情况|条件是什么|分别"
            r"|\blist\b|what are|which .*\bare\b|conditions|requirements"
            r"|what (?:items|documents|steps|measures|symptoms|types|kinds)"
        ),
    ),
    (Kind.REASON, re.compile(r"为什么|为何|原因|\bwhy\b|\bcauses?\b|reason")),
    (
        Kind.YES_NO,
        re.compile(
            r"吗|是否|能否|可否|能不能|可不可以|要不要|是不是|有没有|算不算|会不会|需不需要|行不行|还是"
            r"|^(?:is|are|can|may|must|should|do|does|did|will|has|have|am|was|were|shall|could|would)\b"
        ),
    ),
    (Kind.HOW, re.compile(r"怎么|怎样|如何|怎么办|\bhow\b")),
)


@dataclass(frozen=True, slots=True)
class Question:
    """An analysed question. ``words`` is the subject; ``terms`` adds the bigrams searched by.

    ``value`` is the sort of value that it asks for, where it asks for one. ``names`` are bodies and years that it names
    (squeezed); ``focus`` is the word whose value is asked, where one is. ``perhaps`` are the words by which documents
    may say an everyday word of it: nothing is searched by them, they only help to tell what was found apart.
    """

    text: str
    kind: Kind
    chinese: bool
    words: tuple[str, ...]
    terms: tuple[str, ...]
    value: Value | None
    numbers: tuple[Quantity, ...]
    variants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    focus: str = ""
    perhaps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def search_terms(self) -> list[str]:
        """The terms and the other names of its words: everything to look up in the index."""
        others = [other for names in self.variants.values() for other in names]
        return list(dict.fromkeys([*self.terms, *others]))

    def finder(self, terms: Iterable[str] | None = None) -> TermFinder:
        """Looks for ``terms`` (default: its own), each under any of its names, in one text after another."""
        wanted = self.terms if terms is None else terms
        return TermFinder((term, (term, *self.variants.get(term, ()))) for term in wanted)

    def guesses(self) -> TermFinder:
        """Looks for its everyday words by what documents may call them, and by that alone."""
        known = {term: {term, *self.variants.get(term, ())} for term in self.terms}
        return TermFinder(
            (term, [name for name in names if name not in known[term]])
            for term, names in self.perhaps.items()
            if term in known
        )

    def counts(self, terms: Iterable[str], text: str) -> dict[str, int]:
        """How often each of ``terms``, under any of its names, occurs in ``text``."""
        return self.finder(terms).counts(normalise(text))


def analyse(text: str, synonyms: Synonyms | None = None) -> Question:
    """Reads one question in Chinese or English. ``synonyms`` are a trade's own, beside the platform's."""
    folded = normalise(text)
    variants = variants_in(text, synonyms)
    value = value_wanted(folded)
    own = [word for word in question_words(text) if not _asks_only(word, value)]
    words = list(dict.fromkeys([*own, *(word for word in variants if len(word) > 1)]))
    kind = _kind(folded, value)
    return Question(
        text=text,
        kind=kind,
        chinese=is_chinese(text),
        words=tuple(words),
        terms=tuple(dict.fromkeys([*words, *question_terms(text)])),
        value=value if kind in _VALUED else None,
        numbers=tuple(quantities(text)),
        variants=variants,
        names=tuple(_names(folded)),
        focus=_focus(folded, words),
        perhaps=everyday(text, words),
    )


# Whatever else asks for a value (a sanction, a list) is answered by more than the value.
_VALUED = frozenset({Kind.AMOUNT, Kind.WHEN})


# 热到多少度 and 留到什么时候 ask for the degree and the time; no text says 热到. Nor does it name a share as a share.
_REACHED = re.compile(r"[^报签迟遇]到")
_SHARES = frozenset(["share", "proport", "fraction", "percentag"])


def _asks_only(word: str, value: Value | None) -> bool:
    return _REACHED.fullmatch(word) is not None or (value is Value.SHARE and word in _SHARES)


def _kind(folded: str, value: Value | None) -> Kind:
    found = {kind: match for kind, pattern in _KINDS if (match := pattern.search(folded))}
    first = next(iter(found), Kind.FACT)
    if first in {Kind.FACT, Kind.HOW} and value is not None:
        return Kind.AMOUNT
    # What a Chinese question asks for comes last: 拨多少钱的标准由哪一级政府定.
    asks_who = first is Kind.AMOUNT and Kind.WHO in found and is_chinese(folded)
    return Kind.WHO if asks_who and found[Kind.WHO].start() > found[Kind.AMOUNT].start() else first


_PLACE = re.compile(
    r"[\u4e00-\u9fff]{2,8}(?:省|市|县|州)[\u4e00-\u9fff\d]{0,12}?(?:医院|公司|大学|学院|中学|小学|电厂|电站|变电站|供电局)"
    r"|第[一二三四五六七八九十\d]+(?:人民医院|医院|中学|小学|分公司)"
)
_OPENING = re.compile(r"^(?:请问|关于|在)?([\u4e00-\u9fff]{2,8}?)(大学|学院|公司|集团|医院|电厂|电力)")
_GENERIC = re.compile(
    r"民办|公办|公立|私立|综合|定点|中医|专科|用人|供电|电力|发电|电网|建设|施工|保险|物业|医疗|高等|普通|职业|技工|师范|三级|二级|一级|甲等"
    r"|新建|改建|扩建|在建|核|火力|水力|县|市|省|区|里|外资|国有|上市|承包|分包|子|分|总|本|各|每|该|我|一家|这家|那家|哪些|什么|哪|所有|如果|当|到|去|住|的|可以|应当|能|不|与|和|对|向|被"
    r"|情况|情形|时候|之?[后前]|[上下里时]|我们|你们|他们|咱们|民营|私营|国营|合资|大型|中小|小型|互联网|网络|科技|软件|物流|员工|职工|离开|辞职|入职|毕业|考|读|给|把|由|跟|从|到底|怎么|如何"
)
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d{2})(?!\d)")
_ASKED = re.compile(
    r"(?:是|为|有|要|应为|大概|大约|应该|需要)*"
    r"(?:多少|谁|哪一?家|哪一?位|哪一?个人|什么时候|何时|百分之几|几(?:号|点|天|年|次|人|名|个|岁|元|分|米)|哪一?天)"
)
# 由哪家厂商供货 asks for a 厂商; which body is asked (部门, 单位) a text says by its name.
_ASKED_THING = re.compile(r"哪一?(?:家|位|款)(?!部门|单位|机构|机关|企业|公司|医院|学校|人)([\u4e00-\u9fff]{2,4})")
# Where to go, call or look: a text that never speaks of such a place does not name it.
_ASKED_PLACE = re.compile(r"哪一?个(小程序|公众号|网站|网址|网页|窗口|教室|房间|会议室|软件|平台|邮箱|号码|信箱)")
_ENGLISH_FOCUS = re.compile(r"what (?:is|are|was|were) the (?:[a-z-]+ )*?([a-z-]+) (?:of|for|in|at|on|per)\b")
# Words that ask for a value of any kind; documents state such values without naming the word.
_ANY_VALUE = """
高值 低值 限值 上限值 下限值
时间 期限 时限 标准 要求 金额 费用 数量 比例 年限 天数 次数 人数 范围 最多 最少 至少 最高 最低 上限 下限 数值 时长 间隔
额度 幅度 限额 号码 频率 周期 有效期 温度 浓度 剂量 距离 超过 达到 需要 不少于 大约 每年 每月 每周 每天 每日 每次 每人
limit time number amount maximum minimum period deadline length
"""
_VALUES = frozenset(_ANY_VALUE.split())


def _names(folded: str) -> list[str]:
    """Bodies and years that a question names, squeezed."""
    found = [match.group().replace(" ", "") for match in _PLACE.finditer(folded)]
    opening = _OPENING.match(folded)
    if opening and _GENERIC.sub("", opening.group(1)) and sounds_like_a_name(opening.group(1)):
        found.append(opening.group(1) + opening.group(2))
    return [*found, *_YEAR.findall(folded)]


def _focus(folded: str, words: Iterable[str]) -> str:
    """The word whose value is asked: 组长 in 「组长是谁」. Empty where the question has no such form."""
    english = _ENGLISH_FOCUS.search(folded)
    if english:
        word = stem(english.group(1))
        return "" if english.group(1) in _VALUES or word not in words else word
    thing = _ASKED_THING.search(folded) or _ASKED_PLACE.search(folded)
    if thing:
        named = [word for word in words if thing.group(1).startswith(word)]
        return max(named, key=len, default="")
    asked = _ASKED.search(folded)
    if asked is None:
        return ""
    listed = [word for word in words if not any(value.endswith(word) or word.endswith(value) for value in _VALUES)]
    before = folded[: asked.start()]
    while before:
        before = before.rstrip("的不能得应")
        longest = max((word for word in listed if before.endswith(word)), key=len, default="")
        if longest:
            return longest
        # A word for any value (单价上限): what it is the value of stands before it.
        value = max((word for word in _VALUES if before.endswith(word)), key=len, default="")
        if not value:
            return ""
        before = before.removesuffix(value)
    return ""


_BODIES = re.compile(
    r"部门|机构|机关|政府|委员会|单位|主管|法院|检察院|公安|企业|学校|医院|校长|院长|园长|[副总]总|经理|主任|[处科班组队站所局部厅]长|工程师|专责|专员|督学|总局|负责人|医师|护士|调度员|人民|国务院|教师|家长|监护人"
    r"|department|committee|authority|office|manager|director|nurse|doctor|physician"
    r"|supervisor|officer|board|dean|team|staff|\b[A-Z][a-z]+ [A-Z]"
)
_CALENDAR = re.compile(
    r"\d+\s*月\s*\d+\s*日|\d{4}\s*年|每年|届满|之日起|monday|tuesday|wednesday|thursday|friday|january|february|march|april|june"
)
_CALENDAR_MORE = re.compile(
    r"july|august|september|october|november|december|\d{4}-\d{2}|日内|天内|within|before|after|by the"
)
_PENALTIES = re.compile(r"处罚|罚款|处分|警告|责令|吊销|追究|没收|拘留|fine|penalt|suspen|revo|dismiss")
_MODAL = re.compile(r"不得|应当|可以|禁止|必须|不能|不可|有权|may|must|shall|cannot|not|can|should|requir|prohibit")
_REASONS = re.compile(r"为了|因为|由于|因|以免|防止|because|due to|caused?|since|in order to|so that")


def fits(question: Question, sentence: str) -> bool:
    """Whether ``sentence`` holds the kind of thing the question wants: a number in the right unit, a body, a date,
    a sanction."""
    if question.value is not None:
        return holds_value(question.value, sentence, normalise(question.text))
    folded = normalise(sentence)
    if question.kind is Kind.AMOUNT:
        return bool(quantities(sentence))
    patterns = {
        Kind.WHO: (_BODIES,),
        Kind.WHEN: (_CALENDAR, _CALENDAR_MORE),
        Kind.PENALTY: (_PENALTIES,),
        Kind.YES_NO: (_MODAL,),
        Kind.REASON: (_REASONS,),
    }.get(question.kind, ())
    return any(pattern.search(folded) for pattern in patterns) if patterns else True
