"""Which proposals a reviewer would throw away at a glance, and why: such a one never reaches the review queue.

A rule that cuts a question out of a sentence may cut it wrong. What is held against a question here is its form, what
it names and whether its answer stands where it says; not whether the search finds it, which is what it is to measure.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Final

from liaoyuan.knowledge.question import analyse
from liaoyuan.knowledge.questions.synthesis.passages import Proposal
from liaoyuan.knowledge.rewriting import needs_context
from liaoyuan.knowledge.text.normalise import is_chinese, squeeze


class Flaw(StrEnum):
    """Why a proposal is left out."""

    BROKEN = "broken"
    LENGTH = "length"
    POINTS_BACK = "points_back"
    GIVEN_AWAY = "given_away"
    LABEL = "label"
    AMBIGUOUS = "ambiguous"
    LANGUAGE = "language"
    LITERAL = "literal"
    BOILERPLATE = "boilerplate"
    TWIN = "twin"
    KNOWN = "known"
    ANSWERED = "answered"


SAID: Final[dict[Flaw, tuple[str, str]]] = {
    Flaw.BROKEN: ("残句", "broken sentence"),
    Flaw.LENGTH: ("过短或过长", "too short or too long"),
    Flaw.POINTS_BACK: ("指代不明", "points at something unnamed"),
    Flaw.GIVEN_AWAY: ("问题里已有答案", "gives its answer away"),
    Flaw.LABEL: ("只问标题或编号", "asks for a mere label or number"),
    Flaw.AMBIGUOUS: ("答案不唯一", "has more than one answer"),
    Flaw.LANGUAGE: ("不是中文或英文", "neither Chinese nor English"),
    Flaw.LITERAL: ("答案不是完整原文", "its answer is no whole wording of the passage"),
    Flaw.BOILERPLATE: ("多份文档都有的套话", "boilerplate of several documents"),
    Flaw.TWIN: ("与另一题近似", "nearly the same as another"),
    Flaw.KNOWN: ("文档集里已有", "in the collection already"),
    Flaw.ANSWERED: ("本应无答案，检索却找到", "meant to be unanswerable, yet the search finds it"),
}
_SHORTEST, _LONGEST_ZH, _LONGEST_EN = 7, 90, 200
_PAIRS: Final = ("（）", "()", "《》", "【】", "[]", "“”", "「」")
_NUMBER_ASKED: Final = r"(?:多少|多久|多长时间|百分之多少|第几|几)"
_BROKEN_ANY: Final = re.compile(r"[\n\t\r\ufffd]|\.\.|…|[?？].+[?？]|^[，。；、）),;.]|\d\s?" + _NUMBER_ASKED)
_BROKEN_ZH: Final = re.compile(
    r"^(?:多久|多少|几(?!乎)|的|地|得|及|和|与|或|、|等|并|但|且|而|则|之|所|以及|还|也|仍|再)|多少[次年日天]性|多久[度性]|多久以?[上下内]?(?:学制|的)$"
    r"|[（(][^）)]*(?:多少|多久)[^）)]*[）)]|(?:的|之日起|或者|和|与|及|以及|、|，|：|:|；|即)$|哪些.{0,4}之一"
)
# A number's own clause that ends where what follows from it begins.
_CUT_ZH: Final = re.compile(rf"(?:{_NUMBER_ASKED}.{{0,4}}(?:内|前|后|以上|以下|以内)|满多[久少].{{0,2}}|时)$")
_PREDICATE_ZH: Final = re.compile(
    r"应|要|须|需|不得|不少|可以|可(?=[在对按向])|能|为|是|由|有|达|保[存留持证]|至少|最[多高低大小长短]|不[足超]|持续|提前|相距|分为|设|占|享|处|报|缴|付|延长|计算|等于"
)
_BROKEN_EN: Final = re.compile(
    r"\b(?:of|the|a|an|to|and|or|with|for|in|by|on|at|from|that|which|as|than|is|are|be)$|^[^A-Z“\"]|\b(\w+) \1\b"
    r"|\bthat (?:within|in|on|at|after|before|during)\b[^,]*$|^May (?:because|if|when|although|since|while|as)\b"
    r"|^May (?:\S+ ){0,8}?(?:that|which|who|is|are|was|were|has|have|published|said)\b",
    re.IGNORECASE,
)
_ENGLISH_START: Final = re.compile(r"^[A-Z“\"]")
_LEANS: Final = re.compile(
    r"[：:](?!\d)|下列|如下|(?<![\d一二三四五六七八九十百千万元人日天年月米度岁次倍%％少久])以下(?!简称)|前[一二两三]?[款项条]|上述|前述|本[条款项章节表图]"
    r"|本(?:办法|法|条例|规定|制度|规范|细则|规程|标准|指南|手册|合同|协议|通知|预案)"
    r"|^哪些[^，]{2,4}下，[^，]{2,8}$|^(?:原|有关|相关|该)(?:发证|受理|审批|批准|登记|主管|责任)?(?:机关|部门|机构|单位|人员)"
    r"|第[一二三四五六七八九十百零〇\d]+[条款项章节]|[（(][一二三四五六七八九十\d]+[)）]|简称"
    r"|\b(?:the (?:above|following|former|latter|same)|(?:above|below|following|aforementioned)"
    r"|(?:this|these|that|those) (?:section|chapter|article|document|page|table|figure|policy|example|case|step)s?)\b",
    re.IGNORECASE,
)
# 经协调仍不能达成协议: who, and about what, stood in the words before.
_NO_CASE: Final = re.compile(
    r"^(?:经|逾期|拒不|仍|情节|再次|确需|因此|有下列|造成|构成|属于|符合|未按|对[其此])[^，]{0,16}，"
)
_LEAST_OF_CASE: Final = 3
_LETTER: Final = re.compile(r"[^\W\d_]")
_READ: Final = re.compile(r"[A-Za-z\u3400-\u9fff“”‘’]")
_STRANGE_SHARE: Final = 0.06
# Column B, Row 1, R1, Cell 1.0, Category 1, 第十九条, 内容: words that name a place, not a thing.
_PARTS_EN: Final = re.compile(r"[\s,.:#_()/-]+")
_LABEL_WORDS: Final = (
    "the|row|col|column|cell|header|heading|series|field|item|category|class|data|value|name|text|test|page|section|chapter"
    "|slide|sheet|table|figure|fig|step|part|case|appendix|list|example|group|type|level|option|question|no|title|of|and"
    "|one|two|three|first|second|third|last|next|total|some|here|sample|link|content|start|end|formula|note"
)
_LABEL_EN: Final = re.compile(rf"(?:(?:{_LABEL_WORDS})s?\d*|\d+[a-z]?|[ivx]+|[a-z]\d*|(?:[a-z]\d+)+)?", re.IGNORECASE)
_LABEL_ZH: Final = re.compile(
    r"^(?:第?[一二三四五六七八九十百零〇\d.、（）()]+[条款项章节页行列级类]?|内容|项目|名称|值|数值|数据|类别|条款|条文|描述|说明|备注|情况|合计|总计|小计|其他|标题|正文|表\d*|图\d*)$"
)
_NO_NAME: Final = re.compile(r"^[^\w“《]|[=<>{}|\\^_~$#:：;；?？]|[,，、(（/-]$|https?://|\S{40,}")
_MOST_WORDS_NAMED: Final = 9
_DIGIT: Final = re.compile(r"\d")


def flaw_of(proposal: Proposal) -> Flaw | None:
    """The first thing that is wrong with ``proposal`` alone; None where nothing is."""
    for wrong, flaw in _CHECKS:
        if wrong(proposal):
            return flaw
    return None


def told(left_out: dict[str, int]) -> tuple[str, str]:
    """The counts as words, the largest first, Chinese and English; empty where nothing was left out."""
    ordered = sorted(left_out.items(), key=lambda each: -each[1])
    chinese = "、".join(f"{SAID[Flaw(name)][0]} {count}" for name, count in ordered)
    return chinese, ", ".join(f"{SAID[Flaw(name)][1]} {count}" for name, count in ordered)


def broken(question: str) -> bool:
    """Whether the words are no whole question: cut, unbalanced, or two in one."""
    text = question.rstrip("？? ")
    if _BROKEN_ANY.search(question) or any(text.count(one) != text.count(other) for one, other in _PAIRS):
        return True
    if is_chinese(question):
        return bool(_BROKEN_ZH.search(text))
    return bool(_BROKEN_EN.search(text)) or not _ENGLISH_START.match(text)


def points_back(question: str) -> bool:
    """Whether the question leans on words that it does not hold."""
    return bool(_LEANS.search(question.rstrip("？?"))) or needs_context(question)


def _broken(proposal: Proposal) -> bool:
    text = proposal.question.rstrip("？? ")
    if proposal.type == "number" and is_chinese(text):
        return broken(proposal.question) or bool(_CUT_ZH.search(text)) or not _PREDICATE_ZH.search(text)
    return broken(proposal.question)


def _points_back(proposal: Proposal) -> bool:
    if points_back(proposal.question):
        return True
    return proposal.type == "scenario" and is_chinese(proposal.question) and _caseless(proposal.question)


def _caseless(question: str) -> bool:
    when = question.rpartition("，")[0]
    return bool(_NO_CASE.match(f"{when}，")) or len(analyse(when).words) < _LEAST_OF_CASE


def _length(proposal: Proposal) -> bool:
    longest = _LONGEST_ZH if is_chinese(proposal.question) else _LONGEST_EN
    return not _SHORTEST <= len(proposal.question) <= longest or len(analyse(proposal.question).words) < 2


def _given_away(proposal: Proposal) -> bool:
    asked = squeeze(proposal.question)
    return any(squeeze(literal) in asked for literal in proposal.literals)


def _label(proposal: Proposal) -> bool:
    return any(not names(each) for each in proposal.named)


def names(words: str) -> bool:
    """Whether a row's, a column's or a heading's words name something that could be asked for without the page."""
    text = words.strip()
    if _NO_NAME.search(text) or not _LETTER.search(text) or len(text.split()) > _MOST_WORDS_NAMED:
        return False
    if is_chinese(text):
        return len(text) >= 2 and not _LABEL_ZH.match(text)
    return len(text) >= 3 and not all(_LABEL_EN.fullmatch(part) for part in _PARTS_EN.split(text))


def _language(proposal: Proposal) -> bool:
    words = f"{proposal.question} {' '.join(proposal.literals)}"
    letters = _LETTER.findall(words)
    strange = sum(1 for letter in letters if not _READ.match(letter))
    return strange > _STRANGE_SHARE * max(1, len(letters))


def _literal(proposal: Proposal) -> bool:
    if not proposal.answerable:
        return False
    return not proposal.holds or any(not _whole(literal, proposal.passage.text) for literal in proposal.literals)


def _whole(literal: str, text: str) -> bool:
    """Whether somewhere in ``text`` the literal is no piece of a longer number, and says anything at all."""
    if not any(character.isalnum() for character in literal):
        return False
    squeezed, sought = squeeze(text), squeeze(literal)
    place = squeezed.find(sought)
    while place >= 0:
        before, after = squeezed[:place][-1:], squeezed[place + len(sought) :][:1]
        cut = (_DIGIT.match(sought) and before.isdigit()) or (sought[-1:].isdigit() and after.isdigit())
        if not cut:
            return True
        place = squeezed.find(sought, place + 1)
    return False


_CHECKS: Final[tuple[tuple[Callable[[Proposal], bool], Flaw], ...]] = (
    (lambda proposal: proposal.ambiguous, Flaw.AMBIGUOUS),
    (_language, Flaw.LANGUAGE),
    (_label, Flaw.LABEL),
    (_broken, Flaw.BROKEN),
    (_length, Flaw.LENGTH),
    (_points_back, Flaw.POINTS_BACK),
    (_given_away, Flaw.GIVEN_AWAY),
    (_literal, Flaw.LITERAL),
)


def boilerplate(proposals: Sequence[Proposal]) -> set[int]:
    """Places of what stands alike in several documents: a masthead answers no question of one of them.

    Documents that share most of their questions are one document in two formats or editions: of what they share the
    first is kept.
    """
    asked: dict[object, set[str]] = defaultdict(set)
    holders: dict[str, list[object]] = defaultdict(list)
    keys = [squeeze(proposal.question) for proposal in proposals]
    for key, proposal in zip(keys, proposals, strict=True):
        document = proposal.passage.document_id
        if key not in asked[document]:
            asked[document].add(key)
            holders[key].append(document)
    shared = {key: documents for key, documents in holders.items() if len(documents) > 1}
    copies = {key for key, documents in shared.items() if all(_alike(asked, documents[0], each) for each in documents)}
    return set(_left(proposals, keys, shared, copies))


def _left(
    proposals: Sequence[Proposal], keys: Sequence[str], shared: dict[str, list[object]], copies: set[str]
) -> Iterator[int]:
    for place, (key, proposal) in enumerate(zip(keys, proposals, strict=True)):
        if key in shared and not (key in copies and proposal.passage.document_id == shared[key][0]):
            yield place


_LEAST_ALIKE, _SHARE_ALIKE = 3, 0.5


def _alike(asked: dict[object, set[str]], one: object, other: object) -> bool:
    both = len(asked[one] & asked[other])
    return one == other or (both >= _LEAST_ALIKE and both >= _SHARE_ALIKE * min(len(asked[one]), len(asked[other])))
