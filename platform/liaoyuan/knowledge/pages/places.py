"""Where a quote stands: from a chunk and its words back to the blocks, and with them to page and box."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from liaoyuan.knowledge.models import Chunk, DocumentVersion
from liaoyuan.knowledge.pages.leaves import Leaves
from liaoyuan.knowledge.text.normalise import squeeze


@dataclass(frozen=True, slots=True)
class Place:
    """The blocks that carry a quote, and the leaf of the first. ``exact`` False: the quote's chunk is gone, and the
    place was found by its words or its page."""

    leaf: int
    blocks: tuple[int, ...]
    exact: bool = True


def quote_place(version: DocumentVersion, leaves: Leaves, *, chunk_id: UUID | None, quote: str, page: int) -> Place:
    """The place of ``quote``: through its chunk where that still stands, else by its words, else its page."""
    chunk = Chunk.objects.only("text", "spans").filter(id=chunk_id, version=version).first() if chunk_id else None
    if chunk is not None:
        blocks = _within(chunk, quote, len(leaves.parsed.blocks))
        if blocks:
            return Place(leaves.leaf_of(blocks[0]), blocks)
    found = _by_words(leaves, quote)
    if found:
        return Place(leaves.leaf_of(found[0]), found, exact=False)
    return Place(min(max(page, 1), leaves.count), (), exact=False)


def _within(chunk: Chunk, quote: str, count: int) -> tuple[int, ...]:
    """The blocks under the quote's own characters; those of the whole chunk where the quote is not in it."""
    start = chunk.text.find(quote)
    end = start + len(quote)
    spans: Sequence[Sequence[int]] = [span for span in chunk.spans if 0 <= span[2] < count]
    under = [span[2] for span in spans if start >= 0 and span[0] < end and span[1] > start]
    return tuple(dict.fromkeys(under or [span[2] for span in spans]))


def _by_words(leaves: Leaves, quote: str) -> tuple[int, ...]:
    wanted = squeeze(quote)
    for number, block in enumerate(leaves.parsed.blocks if wanted else ()):
        if wanted in squeeze(block.text):
            return (number,)
    return ()
