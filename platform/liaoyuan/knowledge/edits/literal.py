"""Which words of an edited text still stand literally in the document; the rest is a person's."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from liaoyuan.knowledge.chunking import ChunkDraft, Span
from liaoyuan.knowledge.edits.threeway import tokens

# Fewer characters in a row occur anywhere: they are no evidence that the document says so.
_SHORTEST = 4


def literal_spans(text: str, sources: Sequence[ChunkDraft]) -> tuple[Span, ...]:
    """The spans of ``text`` that are literally in the blocks under ``sources``, in order of ``text``."""
    if len(sources) == 1 and text == sources[0].text:
        return sources[0].spans
    whole = "\n".join(source.text for source in sources)
    origins = _origins(sources)
    found: list[Span] = []
    for start, begin, length in _matches(text, whole):
        found.extend(_within(start, begin, length, origins))
    return tuple(sorted(found, key=lambda span: span.start))


def _matches(text: str, whole: str) -> Iterator[tuple[int, int, int]]:
    """(place in text, place in whole, length) of the runs that both have in common."""
    left, right = tokens(text), tokens(whole)
    left_at, right_at = _offsets(left), _offsets(right)
    for block in SequenceMatcher(None, right, left, autojunk=False).get_matching_blocks():
        length = left_at[block.b + block.size] - left_at[block.b]
        if length:
            yield left_at[block.b], right_at[block.a], length


def _offsets(words: Sequence[str]) -> list[int]:
    found = [0]
    for word in words:
        found.append(found[-1] + len(word))
    return found


def _origins(sources: Sequence[ChunkDraft]) -> list[Span]:
    """Where the characters of the joined sources come from."""
    found: list[Span] = []
    position = 0
    for source in sources:
        found.extend(
            Span(position + span.start, position + span.end, span.block, span.block_start) for span in source.spans
        )
        position += len(source.text) + 1
    return found


def _within(start: int, begin: int, length: int, origins: Sequence[Span]) -> Iterator[Span]:
    for origin in origins:
        first, last = max(begin, origin.start), min(begin + length, origin.end)
        whole_cell = last - first == origin.end - origin.start
        if last - first >= _SHORTEST or (last > first and whole_cell):
            at = start + first - begin
            yield Span(at, at + last - first, origin.block, origin.block_start + first - origin.start)
