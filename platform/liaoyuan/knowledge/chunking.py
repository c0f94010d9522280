"""Chunks that follow the document's own structure: an article, a numbered clause or a table is one chunk, prose is
packed by section.

Every character of a chunk comes from a block; ``spans`` say which, so that a quote leads back to a page and a box.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from uuid import UUID

from liaoyuan.knowledge.parse.blocks import Block, BlockType, Box
from liaoyuan.knowledge.table_lines import Line, assembled, table_lines
from liaoyuan.knowledge.table_lines import Span as Span
from liaoyuan.knowledge.text.sentences import sentences

TokenCounter = Callable[[str], int]

# multilingual-e5-small reads 512 tokens; a few are kept for the prefix and the special tokens.
TOKEN_LIMIT = 500
# Prose is packed to about this many tokens: enough context for a sentence, little enough for one vector to tell.
TOKEN_TARGET = 220
_RESERVE = 12
_CONTEXT_CHARACTERS = 160
_NUMBER = "[〇零一二两三四五六七八九十百千\\d]+"
_OPENER = re.compile(
    f"^(?:第\\s*{_NUMBER}\\s*条(?:之{_NUMBER})?(?=[\\s\u3000:：【（(]|$)|(?:推荐意见|建议|问题|案例)\\s*{_NUMBER}"
    "|(?:recommendation|question|case|rule|step|article|section|clause)\\s+\\d+(?:\\.\\d+)*|\\d{1,3}(?:\\.\\d{1,3}){1,5}\\s"
    "|[QＱ问][:：.]|Q\\d+[:：.]?)",
    re.IGNORECASE,
)
_LOCATOR_CHARACTERS = 24
# One article stays one unit however many paragraphs it has; what is longer than this is no article but a misreading.
_LONGEST_ARTICLE = 8


@dataclass(frozen=True, slots=True)
class ChunkDraft:
    """What is embedded and cited. ``text`` is literal; ``heading_path`` and the title are context for search only.

    What a person changed has another ``origin`` (edited, added) or is not ``enabled``, and names its ``patch_id``. Of
    such a text the spans cover what still stands literally in the document. ``ordinal`` None means: its place in the
    list; pieces of one chunk share its ordinal and differ in ``sub_ordinal``.
    """

    kind: str
    text: str
    heading_path: tuple[str, ...]
    locator: str
    page: int | None
    box: Box | None
    spans: tuple[Span, ...]
    part: int = 0
    origin: str = "parsed"
    enabled: bool = True
    id: UUID | None = None
    ordinal: int | None = None
    sub_ordinal: int = 0
    patch_id: UUID | None = None

    def context(self, title: str) -> str:
        """Title and headings in one line, cut to what leaves room for the text."""
        return " ".join([title, *self.heading_path])[:_CONTEXT_CHARACTERS]


@dataclass(frozen=True, slots=True)
class _Budget:
    """How large chunks may be, in the embedder's own tokens: ``room`` is the limit less what the context takes."""

    count: TokenCounter
    target: int
    limit: int
    room: int = 0


@dataclass(slots=True)
class _Unit:
    """Blocks that belong together, before the token limit is applied."""

    kind: str
    heading_path: tuple[str, ...]
    locator: str
    blocks: list[int] = field(default_factory=list)
    # Whether the locator is the number that opens the text: 第三条, and not "slide 3".
    numbered: bool = False


def token_limit(asked: int, reads: int) -> int:
    """How long a chunk may be: what was asked for (0: all there is), at most what the model ``reads``."""
    return min(asked or reads, reads - _RESERVE)


def chunk_document(
    title: str,
    blocks: Sequence[Block],
    count_tokens: TokenCounter,
    *,
    target: int = TOKEN_TARGET,
    limit: int = TOKEN_LIMIT,
) -> list[ChunkDraft]:
    """Chunks of a parsed document in reading order. ``count_tokens`` is the embedder's own count of a text.

    Prose is packed to about ``target`` tokens; no chunk, its title and headings included, has more than ``limit``.
    """
    drafts: list[ChunkDraft] = []
    # An article is a block, a unit and a chunk, and its headings stand over many others: each is counted once.
    count_tokens = cache(count_tokens)
    budget = _Budget(count_tokens, target, limit)
    for unit in _units(blocks, budget):
        context = " ".join([title, *unit.heading_path])[:_CONTEXT_CHARACTERS]
        here = replace(budget, room=limit - count_tokens(context))
        drafts.extend((_table if unit.kind == "table" else _prose)(unit, blocks, here))
    return drafts


def _units(blocks: Sequence[Block], budget: _Budget) -> Iterator[_Unit]:
    unit: _Unit | None = None
    tokens = 0
    for number, block in enumerate(blocks):
        if block.type is BlockType.HEADING or not block.text.strip():
            if unit and block.type is BlockType.HEADING:
                yield unit
                unit = None
            continue
        size = budget.count(block.text)
        if unit is not None and _belongs(unit, block, tokens + size, budget):
            unit.blocks.append(number)
            tokens += size
            continue
        if unit is not None:
            yield unit
        unit, tokens = _open(block, number), size
    if unit is not None:
        yield unit


def _open(block: Block, number: int) -> _Unit:
    opener = _opener(block)
    kind = "table" if block.type is BlockType.TABLE else ("clause" if opener else "section")
    locator = block.locator or opener
    return _Unit(kind, block.heading_path, locator, [number], numbered=bool(opener) and locator == opener)


def _opener(block: Block) -> str:
    match = _OPENER.match(block.text)
    return match.group().strip(" :：.\u3000")[:_LOCATOR_CHARACTERS] if match else ""


def _belongs(unit: _Unit, block: Block, tokens: int, budget: _Budget) -> bool:
    """Whether a block continues the unit: the same article, or prose below the same heading while there is room."""
    if (
        block.type is BlockType.TABLE
        or unit.kind == "table"
        or block.heading_path[: len(unit.heading_path)] != unit.heading_path
    ):
        return False
    if _opener(block):
        return False
    if unit.kind == "clause":
        if unit.numbered and block.locator == unit.locator:
            return tokens <= _LONGEST_ARTICLE * budget.limit
        return block.type is BlockType.LIST or (block.locator in ("", unit.locator) and tokens <= budget.target)
    return block.heading_path == unit.heading_path and tokens <= budget.target


def _prose(unit: _Unit, blocks: Sequence[Block], budget: _Budget) -> Iterator[ChunkDraft]:
    text, spans = _joined(unit.blocks, blocks)
    ranges = _ranges(text, budget.count, budget.room)
    for part, (start, end) in enumerate(ranges):
        yield _draft(unit, blocks, text[start:end], _clip(spans, start, end), part if len(ranges) > 1 else 0)


def _joined(numbers: Iterable[int], blocks: Sequence[Block]) -> tuple[str, list[Span]]:
    pieces: list[str] = []
    spans: list[Span] = []
    position = 0
    for number in numbers:
        raw = blocks[number].text
        piece = raw.strip()
        spans.append(Span(position, position + len(piece), number, raw.find(piece)))
        pieces.append(piece)
        position += len(piece) + 1
    return "\n".join(pieces), spans


def _ranges(text: str, count_tokens: TokenCounter, room: int) -> list[tuple[int, int]]:
    """Cuts ``text`` at sentence ends into pieces of like size that fit; a sentence longer than the room is cut
    inside."""
    total = count_tokens(text)
    if total <= room:
        return [(0, len(text))]
    # Without this the last piece would be whatever is left: a sentence without its subject.
    even = min(room, math.ceil(1.1 * total / math.ceil(total / room)))
    ranges: list[tuple[int, int]] = []
    start = end = 0
    for sentence in sentences(text):
        if end > start and count_tokens(text[start : sentence.end]) > even:
            ranges.append((start, end))
            start = sentence.start
        end = sentence.end
        while count_tokens(text[start:end]) > room:
            cut = _largest_fit(text, start, end, count_tokens, room)
            ranges.append((start, cut))
            start = cut
    if end > start:
        ranges.append((start, end))
    return ranges


def _largest_fit(text: str, start: int, end: int, count_tokens: TokenCounter, room: int) -> int:
    low, high = start + 1, end
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if count_tokens(text[start:middle]) <= room else (low, middle - 1)
    comma = max(text.rfind(mark, start + (low - start) // 2, low) for mark in "，、, ")
    return comma + 1 if comma > start else low


def _clip(spans: Sequence[Span], start: int, end: int) -> tuple[Span, ...]:
    return tuple(
        Span(
            max(span.start, start) - start,
            min(span.end, end) - start,
            span.block,
            span.block_start + max(start - span.start, 0),
        )
        for span in spans
        if span.start < end and span.end > start
    )


def _draft(unit: _Unit, blocks: Sequence[Block], text: str, spans: tuple[Span, ...], part: int) -> ChunkDraft:
    first = blocks[spans[0].block] if spans else blocks[unit.blocks[0]]
    locator = unit.locator or first.locator
    return ChunkDraft(unit.kind, text, unit.heading_path, locator, first.page, first.box, spans, part)


def _table(unit: _Unit, blocks: Sequence[Block], budget: _Budget) -> Iterator[ChunkDraft]:
    """A table that fits stays whole; a longer one is cut between rows and its header repeated."""
    number = unit.blocks[0]
    header, body = table_lines(blocks[number], number)
    if header is None:
        yield from _prose(unit, blocks, budget)
        return
    packed = list(_packed_rows(header, body, budget.count, min(budget.room, 2 * budget.target)))
    pieces = [piece for lines in packed for piece in _fitting(header, lines, budget)]
    for part, piece in enumerate(pieces):
        spans = piece.spans or (Span(0, len(piece.text), number, 0),)
        yield _draft(unit, blocks, piece.text, spans, part)


def _fitting(header: Line, lines: Sequence[Line], budget: _Budget) -> Iterator[Line]:
    """Header and rows in one piece; where a single row is too long, in several that each repeat the header."""
    whole, body = assembled([header, *lines]), assembled(lines)
    fixed = budget.count(header.text)
    if budget.count(whole.text) <= budget.room:
        yield whole
        return
    repeats = bool(lines) and 2 * fixed <= budget.room
    source = body if repeats else whole
    for start, end in _ranges(source.text, budget.count, budget.room - (fixed if repeats else 0)):
        piece = Line(source.text[start:end], _clip(source.spans, start, end))
        yield assembled([header, piece]) if repeats else piece


def _packed_rows(header: Line, body: Sequence[Line], count_tokens: TokenCounter, room: int) -> Iterator[list[Line]]:
    fixed = count_tokens(header.text)
    lines: list[Line] = []
    tokens = fixed
    for line in body:
        size = count_tokens(line.text)
        if lines and tokens + size > room:
            yield lines
            lines, tokens = [], fixed
        lines.append(line)
        tokens += size
    if lines or not body:
        yield lines
