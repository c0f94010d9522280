"""A question that asks several things at once, taken apart: each part is searched for alone, and all of them together.

拉限负荷谁定，停运设备呢？ finds by its louder half only: one vector and one list of words cannot be about two things.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from liaoyuan.knowledge.question import analyse
from liaoyuan.knowledge.rank import Ranked
from liaoyuan.knowledge.rewriting import Turn, standalone
from liaoyuan.knowledge.text.normalise import is_chinese

_MOST = 3
# A Chinese clause with one word of its own is no question yet.
_FEWEST_WORDS = 2
_CLAUSE = re.compile(r"[，,；;？?。、]+|以及|另外|同时(?=.{4})")
_ASKS = re.compile(
    r"吗|谁|什么|多少|多久|多长|多大|几(?!乎|率|何)|哪|怎么|怎样|如何|是否|能否|可否|为何|何时|呢$"
    r"|([\u4e00-\u9fff])不\1|有没有"
)
_EACH = re.compile(r"^(?P<one>.{4,}?)[，,]?(?:和|与|跟|以及|、)(?P<other>.{4,}?)[，,]?(?:分别|各自)(?P<asked>.{2,})$")
_ENGLISH = re.compile(
    r"\?\s+|[,;]?\s+and\s+(?=(?:what|who|whom|which|when|where|why|how|is|are|can|may|must|should|do|does|will)\b)",
    re.IGNORECASE,
)


def question_parts(text: str) -> tuple[str, ...]:
    """The two or three questions that ``text`` asks, each to be searched for alone; empty where it asks one thing."""
    chinese = is_chinese(text)
    parts = _chinese(text.strip()) if chinese else _english(text.strip())
    parts = [part for part in parts if len(analyse(part).words) >= (_FEWEST_WORDS if chinese else 1)]
    return tuple(parts[:_MOST]) if len(parts) > 1 else ()


def _chinese(text: str) -> list[str]:
    each = _EACH.match(text.rstrip("？?"))
    if each:
        return [each["one"] + each["asked"], each["other"] + each["asked"]]
    found: list[str] = []
    waiting = ""
    for clause in filter(None, (clause.strip() for clause in _CLAUSE.split(text))):
        # What asks nothing is the condition of what follows: 出了事故，谁报告.
        waiting = f"{waiting}，{clause}" if waiting else clause
        if _ASKS.search(clause):
            found.append(waiting)
            waiting = ""
    return _alone(found)


def _english(text: str) -> list[str]:
    return _alone([part.strip(" ?") for part in _ENGLISH.split(text) if part.strip(" ?")])


def _alone(parts: Sequence[str]) -> list[str]:
    """A later part that leans on the first (谁批准, 那护士呢) is completed from it."""
    if len(parts) < 2:
        return []
    return [parts[0], *(standalone(part, [Turn(parts[0])]).text for part in parts[1:])]


def interleaved(whole: Sequence[Ranked], parts: Sequence[Sequence[Ranked]]) -> list[Ranked]:
    """One order out of several: the best of each are equals, and the others follow as far behind their own best.

    Scores are log odds, of which only differences tell; what several lists hold stands where it is best.
    """
    if not whole:
        return list(whole)
    best: dict[str, Ranked] = {}
    for ranked in [*parts, whole]:
        for item in ranked:
            moved = replace(item, score=item.score - ranked[0].score + whole[0].score)
            known = best.get(item.candidate.chunk_id)
            if known is None or moved.score > known.score:
                best[item.candidate.chunk_id] = moved
    return sorted(best.values(), key=lambda item: -item.score)
