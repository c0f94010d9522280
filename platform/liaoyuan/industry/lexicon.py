"""Lexicon files: tab-separated, one entry a line, ``term`` ``language`` ``kind`` ``value``; ``#`` opens a comment line.

``kind`` is ``synonym`` (``value`` = another word for it), ``keyword`` (a guardrail rule's word; ``value`` may hold a
note) or ``term`` (a word that must not be cut in two). A keyword may hold `` * ``: its parts must follow each other
within 12 characters.
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from liaoyuan.industry.errors import PackInvalid
from liaoyuan.industry.schemas.base import LANGUAGES, Language

LexiconKind = Literal["synonym", "keyword", "term"]
HEADER = ["term", "language", "kind", "value"]
# Bounded on purpose: a pattern built from a pack can never backtrack without end.
GAP = r".{0,12}?"
GAP_MARK = " * "


@dataclass(frozen=True)
class LexiconEntry:
    term: str
    language: Language
    kind: LexiconKind
    value: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """Finds the term in text; English words whole and in any case, Chinese as it stands."""
        parts = [re.escape(part.strip()) for part in self.term.split(GAP_MARK)]
        body = GAP.join(parts)
        if self.language == "en":
            body = rf"(?<!\w){body}(?!\w)"
        return re.compile(body, re.IGNORECASE | re.DOTALL)


def lexicon_parse(name: str, text: str) -> tuple[LexiconEntry, ...]:
    """The entries of one file.

    Raises:
        PackInvalid: the header is not the four names, or a line does not fit (its number is given).
    """
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip() and not line.startswith("#")]
    if not lines or lines[0][1].split("\t") != HEADER:
        raise PackInvalid(file=name, problem="the first line must be term, language, kind, value separated by tabs")
    return tuple(_entry(name, number, line) for number, line in lines[1:])


def _entry(name: str, number: int, line: str) -> LexiconEntry:
    cells = [cell.strip() for cell in line.split("\t")]
    if len(cells) != len(HEADER) or not cells[0]:
        raise PackInvalid(file=name, problem=f"line {number} must have {len(HEADER)} cells separated by tabs")
    term, language, kind, value = cells
    if language not in LANGUAGES or kind not in get_args(LexiconKind):
        raise PackInvalid(file=name, problem=f"line {number}: language is zh or en, kind is synonym, keyword or term")
    if kind == "synonym" and not value:
        raise PackInvalid(file=name, problem=f"line {number}: a synonym needs a value")
    known_language: Language = "zh" if language == "zh" else "en"
    kinds: dict[str, LexiconKind] = {"synonym": "synonym", "keyword": "keyword", "term": "term"}
    return LexiconEntry(term, known_language, kinds[kind], value)
