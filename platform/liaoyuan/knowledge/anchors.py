"""Content anchors: how a chunk is known again after its document was parsed or cut anew.

An anchor is exact (the same words under the same headings). Where it fails, :class:`Places` looks for the same words
under other headings, for words that are nearly the same, and for words that are cut differently now.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from liaoyuan.knowledge.chunking import ChunkDraft
from liaoyuan.knowledge.text.normalise import squeeze

# Below this share of common character pairs two texts are two texts, not two editions of one.
NEARLY = 0.72
# A text so short says too little to be known again by half of its letters.
_SHORTEST = 12
_SEPARATOR = "\x1f"


def content_anchor(text: str, heading_path: Sequence[str]) -> str:
    """64 hexadecimal digits that stay the same while the visible words and the headings above them do."""
    parts = [*(squeeze(heading) for heading in heading_path), squeeze(text)]
    return hashlib.sha256(_SEPARATOR.join(parts).encode()).hexdigest()


def similarity(one: str, other: str) -> float:
    """The share (0..1) of character pairs that two squeezed texts have in common."""
    if one == other:
        return 1.0
    left, right = _pairs(one), _pairs(other)
    both = sum((left & right).values())
    return 2 * both / max(1, left.total() + right.total())


def _pairs(text: str) -> Counter[tuple[str, str]]:
    return Counter(pairwise(text))


@dataclass(frozen=True, slots=True)
class Run:
    """Drafts ``first``..``last`` (half open) that hold what was looked for. ``exact``: word for word, cut alike."""

    first: int
    last: int
    exact: bool


class Places:
    """The drafts of one document, ready to be searched for chunks that stood in an earlier cut of it."""

    def __init__(self, drafts: Sequence[ChunkDraft]) -> None:
        self._drafts = drafts
        self._texts = [squeeze(draft.text) for draft in drafts]

    def find(self, originals: Sequence[ChunkDraft]) -> Run | None:
        """Where ``originals``, neighbours in reading order, stand now; None where nothing is like them."""
        return self._alike(originals) or self._contained(originals) or self._similar(originals)

    def _alike(self, originals: Sequence[ChunkDraft]) -> Run | None:
        """Word for word and cut alike; below the same headings where there are several such places."""
        wanted = [squeeze(original.text) for original in originals]
        count = len(wanted)
        starts = [start for start in self._first.get(wanted[0], ()) if self._texts[start : start + count] == wanted]
        if not starts:
            return None
        anchor = content_anchor(originals[0].text, originals[0].heading_path)
        named = [start for start in starts if self._anchor(start) == anchor]
        start = self._nearest(named or starts, originals[0])
        return Run(start, start + count, exact=True)

    def _contained(self, originals: Sequence[ChunkDraft]) -> Run | None:
        """Word for word, but cut differently: longer chunks, or several short ones."""
        wanted = "".join(squeeze(original.text) for original in originals)
        at = self._whole.find(wanted) if len(wanted) >= _SHORTEST else -1
        if at < 0 or self._whole.find(wanted, at + 1) >= 0:
            return None
        touched = [
            number
            for number, (start, end) in enumerate(self._offsets)
            if start < at + len(wanted) and end > at and end > start
        ]
        return Run(touched[0], touched[-1] + 1, exact=False)

    def _similar(self, originals: Sequence[ChunkDraft]) -> Run | None:
        """Nearly the same words: the best place of the first and of the last, in order and not far apart."""
        first, last = self._best(originals[0]), self._best(originals[-1])
        if first is None or last is None or not 0 <= last - first < len(originals) + 2:
            return None
        return Run(first, last + 1, exact=False)

    def _best(self, original: ChunkDraft) -> int | None:
        wanted = squeeze(original.text)
        if len(wanted) < _SHORTEST:
            return None
        scored = [
            (self._likeness(number, wanted, original), number)
            for number, text in enumerate(self._texts)
            if 0.6 * len(wanted) <= len(text) <= 1.7 * len(wanted)
        ]
        best = max(scored, default=(0.0, -1))
        return best[1] if best[0] >= NEARLY else None

    def _likeness(self, number: int, wanted: str, original: ChunkDraft) -> float:
        """Similar words; the same headings and the same number of the article decide between equals."""
        draft = self._drafts[number]
        found = similarity(wanted, self._texts[number])
        if found < NEARLY:
            return 0.0
        return found + 0.02 * (draft.heading_path == original.heading_path) + 0.02 * (draft.locator == original.locator)

    def _nearest(self, starts: Sequence[int], original: ChunkDraft) -> int:
        """Of several places with the same words, the one where the chunk stood before."""
        before = original.ordinal or 0
        return min(starts, key=lambda start: abs(start - before))

    def _anchor(self, number: int) -> str:
        return content_anchor(self._drafts[number].text, self._drafts[number].heading_path)

    @cached_property
    def _first(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for number, text in enumerate(self._texts):
            found.setdefault(text, []).append(number)
        return found

    @cached_property
    def _whole(self) -> str:
        return "".join(self._texts)

    @cached_property
    def _offsets(self) -> list[tuple[int, int]]:
        found, position = [], 0
        for text in self._texts:
            found.append((position, position + len(text)))
            position += len(text)
        return found
