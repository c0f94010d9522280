"""Chunks that follow the document's own structure: an article, a numbered clause or a table is one chunk, prose is
packed by section.

Every character of a chunk comes from a block; ``spans`` say which, so that a quote leads back to a page and a box.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from liaoyuan.knowledge.parse.blocks import Block, BlockType, Box
from liaoyuan.knowledge.text.sentences import sentences

TokenCounter = Callable[[str], int]

# multilingual-e5-small reads 512 tokens; a few are kept for the prefix and the special tokens.
TOKEN_LIMIT = 500
# Prose is packed to about this many tokens: enough context for a sentence, little enough for one vector to tell.
TOKEN_TARGET = 220
_CONTEXT_CHARACTERS = 160
_NUMBER = "[〇零一二两三四五六七八九十百千\\d]+"
_OPENER = re.compile(
    f"^(?:第\\s*{_NUMBER}\\s*条(?:之{_NUMBER})?(?=[\\s\u3000:：【（(]|$)|(?:推荐意见|建议|问题|案例)\\s*{_NUMBER}"
    "|(?:recommendation|question|case|rule|step|article|section|clause)\\s+\\d+(?:\\.\\d+)*|\\d{1,3}(?:\\.\\d{1,3}){1,5}\\s"
    "|[QＱ问][:：.]|Q\\d+[:：.]?)",
    re.IGNORECASE,
)
_LOCATOR_CHARACTERS = 24


@dataclass(frozen=True, slots=True)
class Span:
    """Characters ``start``..``end`` of the chunk are characters from ``block_start`` of block number ``block``."""

    start: int
    end: int
    block: int
    block_start: int


@dataclass(frozen=True, slots=True)
class ChunkDraft:
    """What is embedded and cited. ``text`` is literal; ``heading_path`` and the title are context for search only."""

    kind: str
    text: str
    heading_path: tuple[str, ...]
    locator: str
    page: int | None
    box: Box | None
    spans: tuple[Span, ...]
    part: int = 0

    def context(self, title: str) -> str:
        """Title and headings in one line, cut to what leaves room for the text."""
        return " ".join([title, *self.heading_path])[:_CONTEXT_CHARACTERS]


@dataclass(slots=True)
class _Unit:
    """Blocks that belong together, before the token limit is applied."""

    kind: str
    heading_path: tuple[str, ...]
    locator: str
    blocks: list[int] = field(default_factory=list)


def chunk_document(title: str, blocks: Sequence[Block], count_tokens: TokenCounter) -> list[ChunkDraft]:
    """Chunks of a parsed document in reading order. ``count_tokens`` is the embedder's own count of a text."""
    drafts: list[ChunkDraft] = []
    for unit in _units(blocks, count_tokens):
        context = " ".join([title, *unit.heading_path])[:_CONTEXT_CHARACTERS]
        room = TOKEN_LIMIT - count_tokens(context)
        drafts.extend(_table(unit, blocks, count_tokens, room) if unit.kind == "table" else [])
        drafts.extend(_prose(unit, blocks, count_tokens, room) if unit.kind != "table" else [])
    return drafts


def _units(blocks: Sequence[Block], count_tokens: TokenCounter) -> Iterator[_Unit]:
    unit: _Unit | None = None
    tokens = 0
    for number, block in enumerate(blocks):
        if block.type is BlockType.HEADING or not block.text.strip():
            if unit and block.type is BlockType.HEADING:
                yield unit
                unit = None
            continue
        size = count_tokens(block.text)
        if unit is not None and _belongs(unit, block, tokens + size):
            unit.blocks.append(number)
            tokens += size
            continue
        if unit is not None:
            yield unit
        unit, tokens = _open(block, number), size
    if unit is not None:
        yield unit


def _open(block: Block, number: int) -> _Unit:
    kind = "table" if block.type is BlockType.TABLE else ("clause" if _opener(block) else "section")
    return _Unit(kind, block.heading_path, block.locator or _opener(block), [number])


def _opener(block: Block) -> str:
    match = _OPENER.match(block.text)
    return match.group().strip(" :：.\u3000")[:_LOCATOR_CHARACTERS] if match else ""


def _belongs(unit: _Unit, block: Block, tokens: int) -> bool:
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
        return block.type is BlockType.LIST or (block.locator in ("", unit.locator) and tokens <= TOKEN_TARGET)
    return block.heading_path == unit.heading_path and tokens <= TOKEN_TARGET


def _prose(unit: _Unit, blocks: Sequence[Block], count_tokens: TokenCounter, room: int) -> Iterator[ChunkDraft]:
    text, spans = _joined(unit.blocks, blocks)
    ranges = _ranges(text, count_tokens, room)
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
    """Cuts ``text`` at sentence ends so that every range fits; one sentence longer than the room is cut inside."""
    if count_tokens(text) <= room:
        return [(0, len(text))]
    ranges: list[tuple[int, int]] = []
    start = end = 0
    for sentence in sentences(text):
        if end > start and count_tokens(text[start : sentence.end]) > room:
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


def _table(unit: _Unit, blocks: Sequence[Block], count_tokens: TokenCounter, room: int) -> Iterator[ChunkDraft]:
    """A table that fits stays whole; a longer one is cut between rows and its header repeated."""
    number = unit.blocks[0]
    rows = [" | ".join(" ".join(cell.split()) for cell in row) for row in blocks[number].table or [] if any(row)]
    if not rows:
        yield from _prose(unit, blocks, count_tokens, room)
        return
    header, body = rows[0], rows[1:]
    parts = list(_packed_rows(header, body, count_tokens, min(room, 2 * TOKEN_TARGET)))
    for part, lines in enumerate(parts):
        text = "\n".join([header, *lines])
        for start, end in _ranges(text, count_tokens, room):
            span = Span(0, end - start, number, 0)
            yield _draft(unit, blocks, text[start:end], (span,), part)


def _packed_rows(header: str, body: Sequence[str], count_tokens: TokenCounter, room: int) -> Iterator[list[str]]:
    fixed = count_tokens(header)
    lines: list[str] = []
    tokens = fixed
    for line in body:
        size = count_tokens(line)
        if lines and tokens + size > room:
            yield lines
            lines, tokens = [], fixed
        lines.append(line)
        tokens += size
    if lines or not body:
        yield lines
