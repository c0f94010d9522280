"""A thesaurus of everyday words and the words by which documents say the same, for every trade (``everyday.tsv``).

It was written from general knowledge, not from the questions that it is measured by. A pack's or the platform's
synonyms are other names for one thing; these are guesses at what may be meant, in one direction, and count as such:
what they add to the order of passages has a weight of its own.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from liaoyuan.knowledge.text.normalise import normalise
from liaoyuan.knowledge.text.segment import stem
from liaoyuan.knowledge.text.stopwords import CHINESE, ENGLISH, QUESTION

_HAN_START = "\u3400"
_LATIN = re.compile(r"[a-z0-9]+(?:[-'][a-z0-9]+)*")
_LONGEST_PHRASE = 4


def everyday(question: str, words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The documents' words for each of the question's ``words`` that is an everyday word or a part of one."""
    folded = normalise(question)
    listed = list(words)
    found: dict[str, dict[str, None]] = {}
    for key in (*_chinese_keys(folded), *_english_keys(folded)):
        for word in listed:
            if word in (key if key[0] >= _HAN_START else key.split()):
                found.setdefault(word, {}).update(dict.fromkeys(_thesaurus()[key]))
    return {word: tuple(name for name in names if name != word) for word, names in found.items()}


def _chinese_keys(folded: str) -> list[str]:
    """The longest that stand in the question: 小孩子 hides 小孩."""
    found = [key for key in _keys(han=True) if key in folded]
    return [key for key in found if not any(key != other and key in other for other in found)]


def _english_keys(folded: str) -> list[str]:
    stems = [stem(match.group()) for match in _LATIN.finditer(folded)]
    known = _keys(han=False)
    runs = (
        " ".join(stems[start : start + length])
        for length in range(1, _LONGEST_PHRASE + 1)
        for start in range(len(stems) - length + 1)
    )
    return [run for run in dict.fromkeys(runs) if run in known]


@lru_cache(maxsize=2)
def _keys(*, han: bool) -> frozenset[str]:
    # A word of one character is no word of a question.
    return frozenset(key for key in _thesaurus() if (key[0] >= _HAN_START) == han and len(key) > 1)


@lru_cache(maxsize=1)
def _thesaurus() -> dict[str, tuple[str, ...]]:
    merged: dict[str, dict[str, None]] = {}
    for keys, names in _lines():
        for key in keys:
            merged.setdefault(_folded(key.replace("_", " ")), {}).update(dict.fromkeys(map(_folded, names)))
    silent = CHINESE | ENGLISH | QUESTION
    return {key: tuple(names) for key, names in merged.items() if key not in silent}


def _folded(word: str) -> str:
    """As the index has it: Han as it is, Latin by stems."""
    folded = normalise(word)
    return folded if folded[0] >= _HAN_START else " ".join(stem(part) for part in folded.split())


def _lines() -> Iterator[tuple[list[str], list[str]]]:
    text = (Path(__file__).parent / "everyday.tsv").read_text(encoding="utf-8")
    for line in text.splitlines():
        keys, tab, names = line.partition("\t")
        if tab and not line.startswith("#"):
            yield keys.split(), names.split()
