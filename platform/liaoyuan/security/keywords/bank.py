"""The keyword bank: thousands of words found in one pass, each with its category, severity and action."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import ahocorasick

from liaoyuan.security.errors import KeywordTableInvalid
from liaoyuan.security.normalise import normalise

COLUMNS = ("word", "category", "severity", "action", "language")
ACTIONS = frozenset({"flag", "mask", "block", "escalate"})
SAMPLE = Path(__file__).parent / "sample.tsv"
# What people put between the characters of a forbidden Chinese word.
FILLER = re.compile(r"(?<=[\u3400-\u9fff])[\s*_.·、,，|/\\~`^+=-]{1,3}(?=[\u3400-\u9fff])")


@dataclass(frozen=True, slots=True)
class Keyword:
    """`severity` 1 (note) to 3 (serious)."""

    word: str
    category: str
    severity: int
    action: str
    language: str

    @property
    def rule(self) -> str:
        """How a decision names this word's table: never the word itself."""
        return f"keyword:{self.category}"


@dataclass(frozen=True, slots=True)
class KeywordHit:
    """`start:end` are offsets in the text as it was written."""

    start: int
    end: int
    keyword: Keyword


@dataclass(frozen=True)
class KeywordBank:
    """Immutable; `version` names the table a decision was made with."""

    version: str
    keywords: tuple[Keyword, ...]
    _automaton: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        automaton = ahocorasick.Automaton()
        for keyword in self.keywords:
            automaton.add_word(normalise(keyword.word).text.casefold(), keyword)
        if self.keywords:
            automaton.make_automaton()
        object.__setattr__(self, "_automaton", automaton)

    def extended(self, more: Iterable[Keyword], *, version: str) -> "KeywordBank":
        """A bank that knows `more` words too: an industry's lexicon or an organization's own list."""
        return KeywordBank(f"{self.version}+{version}", (*self.keywords, *more))

    def find(self, text: str) -> list[KeywordHit]:
        """Every occurrence, whatever its width, case, spacing or script variant; English words only as whole words."""
        if not self.keywords:
            return []
        form = normalise(text)
        squeezed, offsets = _squeeze(form.text.casefold())
        hits = []
        for last, keyword in self._automaton.iter(squeezed):
            first = last - len(normalise(keyword.word).text) + 1
            if _whole(squeezed, first, last + 1):
                start, end = form.original(offsets[first], offsets[last] + 1)
                hits.append(KeywordHit(start, end, keyword))
        return hits


def _squeeze(text: str) -> tuple[str, list[int]]:
    """Text without the fillers between Chinese characters, and the offset of each remaining character."""
    if len(text.casefold()) != len(text):
        text = text.lower()
    kept = list(range(len(text)))
    for match in reversed(list(FILLER.finditer(text))):
        del kept[match.start() : match.end()]
    return "".join(text[index] for index in kept), kept


def _whole(text: str, start: int, end: int) -> bool:
    if not text[start:end].isascii():
        return True
    before, after = text[start - 1 : start], text[end : end + 1]
    return not (before.isascii() and before.isalnum()) and not (after.isascii() and after.isalnum())


def keywords_read(path: Path) -> tuple[str, tuple[Keyword, ...]]:
    """Version and words of a table: `# version: X`, a header line and tab-separated rows.

    Raises KeywordTableInvalid with the line number of the first row that is not as it should be.
    """
    content = path.read_text(encoding="utf-8-sig").splitlines()
    version = next((line.split(":", 1)[1].strip() for line in content if line.startswith("# version:")), "")
    rows = [(number, line) for number, line in enumerate(content, 1) if line.strip() and not line.startswith("#")]
    if not version or not rows or tuple(rows[0][1].split("\t")) != COLUMNS:
        raise KeywordTableInvalid(file=path.name, line=1)
    return version, tuple(_rows(path.name, rows[1:]))


def _rows(name: str, rows: list[tuple[int, str]]) -> Iterator[Keyword]:
    for number, line in rows:
        cells = next(csv.reader([line], delimiter="\t", quoting=csv.QUOTE_NONE))
        if len(cells) != len(COLUMNS) or not cells[0].strip() or cells[2] not in "123" or cells[3] not in ACTIONS:
            raise KeywordTableInvalid(file=name, line=number)
        yield Keyword(cells[0].strip(), cells[1], int(cells[2]), cells[3], cells[4])


@cache
def sample_bank() -> KeywordBank:
    """The small neutral table that ships; an organization imports its own."""
    return KeywordBank(*keywords_read(SAMPLE))
