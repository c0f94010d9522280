"""Where a quote stands on its page: the boxes of its lines, as the parser saw them."""

from functools import lru_cache
from uuid import UUID

from liaoyuan.knowledge.models import Chunk, DocumentVersion
from liaoyuan.knowledge.parse.blocks import Block
from liaoyuan.knowledge.selectors import parsed_document

# Versions are immutable, so what was read of one stays true; a few of them are what one conversation cites.
_KEPT = 16


def line_boxes(chunk: Chunk, start: int, end: int) -> list[list[float]]:
    """[page, x0, y0, x1, y1] of every line under ``chunk.text[start:end]``; empty where the format has no lines.

    Only what lies on the page is told: a passage that a person rewrote points to the block it came from.
    """
    if not chunk.version.blocks_key:
        return []
    blocks = _blocks(chunk.version_id, chunk.version.blocks_key)
    found: dict[tuple[float, ...], None] = {}
    for span_start, span_end, number, block_start in chunk.spans:
        if span_end <= start or span_start >= end or not 0 <= number < len(blocks):
            continue
        first = block_start + max(start, span_start) - span_start
        last = block_start + min(end, span_end) - span_start
        for line in blocks[number].lines_of(first, last):
            found[(float(line.page), *(float(edge) for edge in line.box))] = None
    return [list(place) for place in found]


@lru_cache(maxsize=_KEPT)
def _blocks(version_id: UUID, blocks_key: str) -> tuple[Block, ...]:
    try:
        return tuple(parsed_document(DocumentVersion.objects.get(id=version_id)).blocks)
    except (OSError, DocumentVersion.DoesNotExist):
        # The text is gone from storage (an erasure under way): the citation keeps its block's own box.
        return ()
