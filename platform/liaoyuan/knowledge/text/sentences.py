"""Sentences with offsets, and the lists they open: a quote is always ``text[start:end]`` of the chunk."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

_CLOSERS = "”’」』》】）)\"'"
_CHINESE_END = "。！？；!?;"
_MAY_END = re.compile(f"[\n.{_CHINESE_END}]")
_SHORTENED = (
    "mr mrs ms dr prof st no nos fig figs eq sec art vs etc e.g i.e al cf approx dept inc ltd co jr sr u.s ph.d vol "
    "pp p min max"
)
_ABBREVIATIONS = frozenset(_SHORTENED.split())
_ITEM = re.compile(
    r"\s*(?:[（(]\s*(?:[一二三四五六七八九十百]+|\d{1,2}|[a-zA-Z]|[ivxIVX]{1,4})\s*[）)]|[①-⑳]|\d{1,2}[.、)）](?!\d)|[一二三四五六七八九十]{1,3}[、.]"
    r"|[a-zA-Z][.)]\s|[-•·*●○▪–]\s*)"
)
_LEAD_END = re.compile(r"[：:]\s*$")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A trimmed span of a text. ``item`` marks an entry of a list, ``lead`` a sentence that opens one."""

    start: int
    end: int
    item: bool = False
    lead: bool = False

    def of(self, text: str) -> str:
        """The literal words."""
        return text[self.start : self.end]


def sentences(text: str) -> list[Sentence]:
    """Splits Chinese and English text; every character that is not white space belongs to exactly one sentence."""
    return list(_cut(text))


# Ranking, judging, quoting and the questions to ask next cut the same passages, again with the next question.
@lru_cache(maxsize=4096)
def _cut(text: str) -> tuple[Sentence, ...]:
    found = [_trimmed(text, start, end) for start, end in _spans(text)]
    return tuple(sentence for sentence in found if sentence.end > sentence.start)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    found = _MAY_END.search(text)
    while found:
        position = found.start()
        if _ends_here(text, position):
            position = _past_closers(text, position)
            yield start, position + 1
            start = position + 1
        found = _MAY_END.search(text, position + 1)
    yield start, len(text)


def _past_closers(text: str, position: int) -> int:
    if text[position] == "\n":
        return position
    while position + 1 < len(text) and text[position + 1] in _CLOSERS:
        position += 1
    return position


def _ends_here(text: str, position: int) -> bool:
    character = text[position]
    if character == "\n":
        return _breaks(text, position)
    if character in _CHINESE_END:
        return True
    return character == "." and _full_stop(text, position)


def _breaks(text: str, position: int) -> bool:
    # A hard-wrapped page breaks lines inside sentences; a break counts only where a sentence or a heading may end.
    before = text[:position].rstrip(" \t")[-1:]
    after = text[position + 1 :]
    return (
        not before
        or before in _CHINESE_END + "：:.|" + _CLOSERS
        or after[:1] in ("", "\n", "|", "#")
        or _ITEM.match(after) is not None
        or _wide_break(text, position)
    )


def _wide_break(text: str, position: int) -> bool:
    # Short lines are headings or cells, not wrapped prose.
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return len(line.strip()) < 16


def _full_stop(text: str, position: int) -> bool:
    following = text[position + 1 : position + 3]
    if following and not following[0].isspace() and following[0] not in _CLOSERS:
        return False
    word = re.search(r"([\w.]+)$", text[max(0, position - 12) : position])
    previous = word.group(1).lower() if word else ""
    if previous in _ABBREVIATIONS or (len(previous) == 1 and previous.isalpha()):
        return False
    # "1." opening a line is a list number, not a sentence.
    line = text[text.rfind("\n", 0, position) + 1 : position].strip()
    return not line.isdigit()


def _trimmed(text: str, start: int, end: int) -> Sentence:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    span = text[start:end]
    return Sentence(start, end, item=_ITEM.match(span) is not None, lead=_LEAD_END.search(span) is not None)


def list_around(parts: Sequence[Sentence], index: int) -> tuple[int, int]:
    """The half-open range of the list that ``parts[index]`` opens or belongs to; just itself where there is none."""
    first = index
    while first > 0 and parts[first].item:
        first -= 1
    if not parts[first].lead and not parts[first].item:
        return index, index + 1
    last = first + 1
    while last < len(parts) and parts[last].item:
        last += 1
    return first, last
