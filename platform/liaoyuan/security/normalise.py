"""One view of a text that evasions cannot change, with the way back to the original characters.

Full-width digits, zero-width splits, bidirectional marks, tag characters, look-alike letters and traditional
characters all reach the checks in one plain form. Every character keeps the offsets it came from, so that a span
found in the plain form is reported (and masked) in the text as it was written.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

from liaoyuan.security.tables import HOMOGLYPHS, traditional

TAG_BLOCK = range(0xE0000, 0xE0080)
# Blank letters that no category marks as invisible: Hangul fillers and the grapheme joiner.
BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u034f\u2800")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
KEPT_CONTROLS = frozenset("\t\n\r")


@dataclass(frozen=True, slots=True)
class Normalised:
    """`text` in plain form; `starts[i]:ends[i]` are the offsets of its character i in the original.

    `hidden` is what invisible tag characters spelt out (ASCII smuggling), "" if there were none;
    `invisible` counts the characters that were dropped because nobody can see them.
    """

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    hidden: str = ""
    invisible: int = 0

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Offsets in the original of the half-open span [start, end) of the plain form."""
        if start >= end:
            raise ValueError(f"empty span {start}:{end}")
        return self.starts[start], self.ends[end - 1]


@lru_cache(maxsize=16)
def normalise(text: str, *, fold_letters: bool = True) -> Normalised:
    """The plain form of `text`; `fold_letters=False` keeps look-alike and traditional letters as written."""
    if text.isascii() and CONTROL.search(text) is None:
        return Normalised(text, tuple(range(len(text))), tuple(range(1, len(text) + 1)))
    plain: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    hidden: list[str] = []
    invisible = 0
    for start, end in _clusters(text):
        cluster = text[start:end]
        folded = _fold(cluster, fold_letters)
        if not folded:
            invisible += 1
            hidden.append(_tag_letter(cluster))
        for letter in folded:
            plain.append(letter)
            starts.append(start)
            ends.append(end)
    return Normalised("".join(plain), tuple(starts), tuple(ends), "".join(hidden).strip(), invisible)


def plain(text: str) -> str:
    """Only the plain form, for callers that need no offsets."""
    return normalise(text).text


def _clusters(text: str) -> list[tuple[int, int]]:
    """A base character with the combining marks after it, so that e + accent composes as é does."""
    spans: list[tuple[int, int]] = []
    for index, letter in enumerate(text):
        if spans and not letter.isascii() and unicodedata.combining(letter):
            spans[-1] = (spans[-1][0], index + 1)
        else:
            spans.append((index, index + 1))
    return spans


@cache
def _fold(cluster: str, fold_letters: bool) -> str:
    kept = "".join(letter for letter in unicodedata.normalize("NFKC", cluster) if not _invisible(letter))
    if not fold_letters:
        return "".join(_digit(letter) for letter in kept)
    return "".join(HOMOGLYPHS.get(letter) or traditional().get(letter) or _digit(letter) for letter in kept)


def _invisible(letter: str) -> bool:
    if letter in KEPT_CONTROLS:
        return False
    variation = "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"
    return variation or letter in BLANK_LETTERS or unicodedata.category(letter) in ("Cf", "Cc")


def _digit(letter: str) -> str:
    value = None if letter.isascii() else unicodedata.decimal(letter, None)
    return letter if value is None else str(value)


def _tag_letter(cluster: str) -> str:
    point = ord(cluster[0])
    return chr(point - 0xE0000) if point in TAG_BLOCK and 0x20 <= point - 0xE0000 < 0x7F else ""
