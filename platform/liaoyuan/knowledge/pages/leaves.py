"""How a document is cut into what one screen shows: its pages, or leaves of some sixty blocks where it has no pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from liaoyuan.knowledge.parse.blocks import Block, BlockType, PageInfo, ParsedDocument

# A leaf ends at a heading once it is half full, and in any case when it is full.
_FEWEST, _MOST = 30, 60
_CHAPTER = 2
_SNIPPET = 40
_MOST_HITS = 100


@dataclass(frozen=True, slots=True)
class Hit:
    """One place of a searched text: the block, its leaf, and the words around it as (before, found, after)."""

    block: int
    leaf: int
    before: str
    found: str
    after: str


class Leaves:
    """The leaves of one parsed document, counted from 1; a leaf is a tuple of block numbers."""

    def __init__(self, parsed: ParsedDocument) -> None:
        self.parsed = parsed

    @property
    def paged(self) -> bool:
        """Whether the file has pages of its own."""
        return bool(self.parsed.pages)

    @property
    def count(self) -> int:
        return len(self._leaves)

    def blocks(self, leaf: int) -> Sequence[int]:
        """The numbers of a leaf's blocks in reading order. Raises IndexError beyond the last."""
        if leaf < 1:
            raise IndexError(leaf)
        return self._leaves[leaf - 1]

    def leaf_of(self, block: int) -> int:
        """The leaf that holds ``block``. Raises IndexError for a block that the document has not."""
        if not 0 <= block < len(self.parsed.blocks):
            raise IndexError(block)
        return self._home[block]

    def info(self, leaf: int) -> PageInfo | None:
        """The size of a page; None where the file has no pages."""
        return self.parsed.pages[leaf - 1] if self.paged else None

    def find(self, text: str) -> list[Hit]:
        """The first hundred places where ``text`` stands, letter case aside."""
        wanted = text.casefold().strip()
        hits: list[Hit] = []
        for number, block in enumerate(self.parsed.blocks if wanted else ()):
            start = block.text.casefold().find(wanted)
            if start >= 0:
                hits.append(_hit(number, self._home[number], block.text, start, start + len(wanted)))
            if len(hits) == _MOST_HITS:
                break
        return hits

    @cached_property
    def _leaves(self) -> list[tuple[int, ...]]:
        return _by_page(self.parsed) if self.paged else _by_size(self.parsed.blocks)

    @cached_property
    def _home(self) -> dict[int, int]:
        return {block: leaf for leaf, blocks in enumerate(self._leaves, start=1) for block in blocks}


def _by_page(parsed: ParsedDocument) -> list[tuple[int, ...]]:
    """A block that names no page stands on the page of the one before it."""
    pages: list[list[int]] = [[] for _ in parsed.pages]
    page = 1
    for number, block in enumerate(parsed.blocks):
        page = min(max(block.page or page, 1), len(pages))
        pages[page - 1].append(number)
    return [tuple(page) for page in pages]


def _by_size(blocks: Sequence[Block]) -> list[tuple[int, ...]]:
    leaves: list[tuple[int, ...]] = []
    leaf: list[int] = []
    for number, block in enumerate(blocks):
        chapter = block.type is BlockType.HEADING and (block.level or 1) <= _CHAPTER
        if len(leaf) >= _MOST or (chapter and len(leaf) >= _FEWEST):
            leaves.append(tuple(leaf))
            leaf = []
        leaf.append(number)
    return [*leaves, tuple(leaf)]


def _hit(block: int, leaf: int, text: str, start: int, end: int) -> Hit:
    before = ("…" if start > _SNIPPET else "") + text[max(0, start - _SNIPPET) : start]
    after = text[end : end + _SNIPPET] + ("…" if len(text) > end + _SNIPPET else "")
    return Hit(block, leaf, before, text[start:end], after)
