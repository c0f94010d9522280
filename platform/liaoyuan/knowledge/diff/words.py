"""What changed inside a text: Han by character, Latin words and numbers whole, so that 2天 → 3天 marks one digit."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal

Kind = Literal["same", "removed", "added"]
_TOKEN: Final = re.compile(r"\d+(?:[.,:/-]\d+)*%?|[A-Za-zÀ-ɏͰ-ӿ]+(?:['’-][A-Za-z]+)*|\s+|.", re.DOTALL)
# Tokens × tokens that are compared inside one block; beyond it the block is shown as replaced as a whole.
_MOST_WORK: Final = 4_000_000
# A shared island this small between two changes is chance; marking around it makes confetti.
_ISLAND: Final = 2
# Of a sketch: enough that a page-long block does not fill it.
_BITS: Final = 4096


@dataclass(frozen=True, slots=True)
class Part:
    """A run of text that stayed, went or came."""

    kind: Kind
    text: str


def tokens(text: str) -> list[str]:
    """What is compared as one: a word, a number with its decimals, one Han character, one mark."""
    return _TOKEN.findall(text)


def words_diff(before: str, after: str) -> tuple[Part, ...]:
    """The parts that turn ``before`` into ``after``; their texts joined give both back."""
    if before == after:
        return (Part("same", before),) if before else ()
    old, new = tokens(before), tokens(after)
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    middle = (old[start : len(old) - end], new[start : len(new) - end])
    parts = [("same", "".join(old[:start])), *_middle(*middle), ("same", "".join(old[len(old) - end :]))]
    return tuple(_merged(_without_islands(parts)))


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    for place, (one, other) in enumerate(zip(old, new, strict=False)):
        if one != other:
            return place
    return min(len(old), len(new))


def _middle(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[Kind, str]]:
    if len(old) * len(new) > _MOST_WORK:
        yield "removed", "".join(old)
        yield "added", "".join(new)
        return
    for kind, i, k, j, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield "same", "".join(old[i:k])
            continue
        yield "removed", "".join(old[i:k])
        yield "added", "".join(new[j:m])


def _without_islands(parts: Sequence[tuple[Kind, str]]) -> Iterator[tuple[Kind, str]]:
    """Text that stayed between two changes, but too little to be read as such, counts as changed."""
    for place, (kind, text) in enumerate(parts):
        inside = 0 < place < len(parts) - 1
        if kind == "same" and inside and text and len(text.strip()) < _ISLAND and not text.isdigit():
            yield "removed", text
            yield "added", text
        else:
            yield kind, text


def _merged(parts: Iterator[tuple[Kind, str]]) -> Iterator[Part]:
    """Between two texts that stayed: what went, then what came, each in one piece."""
    gone, come = "", ""
    for kind, text in parts:
        if kind == "removed":
            gone += text
        elif kind == "added":
            come += text
        elif text:
            yield from _changed(gone, come)
            gone, come = "", ""
            yield Part("same", text)
    yield from _changed(gone, come)


def _changed(gone: str, come: str) -> Iterator[Part]:
    if gone == come:
        if gone:
            yield Part("same", gone)
        return
    if gone:
        yield Part("removed", gone)
    if come:
        yield Part("added", come)


def sketch(text: str) -> int:
    """The pairs of neighbouring characters as bits (spaces left out): a kilobyte a block, compared in no time."""
    close = "".join(text.split())
    bits = bytearray(_BITS // 8)
    for one, other in zip(close, close[1:] or close, strict=False):
        place = (ord(one) * 31 + ord(other) * 7919) % _BITS
        bits[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(bits, "little")


def likeness(before: int, after: int) -> float:
    """0..1 by the pairs that two sketches share (Dice)."""
    both = before.bit_count() + after.bit_count()
    return 2 * (before & after).bit_count() / both if both else 0.0
