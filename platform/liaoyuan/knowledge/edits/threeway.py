"""Two changes of one text in one: a person's and the document's own. Where they touch the same words, neither wins."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

# Han characters one by one, other letters and digits word by word: "10 天" to "12 天" changes one word, not one digit.
_TOKEN = re.compile(r"[^\W\u3400-\u9fff\uf900-\ufaff]+|\s+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Hunk:
    """Tokens ``start``..``end`` of the base become ``new``."""

    start: int
    end: int
    new: tuple[str, ...]

    def touches(self, other: "_Hunk") -> bool:
        """Whether both speak about the same words, or write at the very same place."""
        if self.start == self.end and other.start == other.end:
            return self.start == other.start
        return self.start < other.end and other.start < self.end


def tokens(text: str) -> list[str]:
    """The words and signs of ``text``; joined they are the text again."""
    return _TOKEN.findall(text)


def merge(base: str, ours: str, theirs: str) -> str | None:
    """``theirs`` with what ``ours`` changed in ``base``; None where both changed the same words in different ways."""
    if theirs in (base, ours):
        return ours
    words = tokens(base)
    mine, other = _hunks(words, tokens(ours)), _hunks(words, tokens(theirs))
    both = [hunk for hunk in other if hunk not in mine]
    if any(one.touches(two) for one in mine for two in both):
        return None
    # At one place what is inserted stands before what replaces the words that follow.
    merged = _applied(words, sorted([*mine, *both], key=lambda hunk: (hunk.start, hunk.end)))
    text = "".join(merged)
    # Side by side two changes may run into one word that nobody wrote: "1" and "0" into "10".
    return text if tokens(text) == merged else None


def _hunks(base: Sequence[str], other: Sequence[str]) -> list[_Hunk]:
    matcher = SequenceMatcher(None, base, other, autojunk=False)
    return [_Hunk(i1, i2, tuple(other[j1:j2])) for tag, i1, i2, j1, j2 in matcher.get_opcodes() if tag != "equal"]


def _applied(base: Sequence[str], hunks: Sequence[_Hunk]) -> list[str]:
    found: list[str] = []
    position = 0
    for hunk in hunks:
        found.extend(base[position : hunk.start])
        found.extend(hunk.new)
        position = max(position, hunk.end)
    return [*found, *base[position:]]
