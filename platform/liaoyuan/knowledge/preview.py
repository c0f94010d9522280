"""What a document would become under other settings of the chunker: computed, shown, and nothing of it written."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from liaoyuan.errors import InvalidInput, NotFound
from liaoyuan.knowledge.adapters.embeddings import Embedder, embedder_for
from liaoyuan.knowledge.chunking import ChunkDraft, chunk_document, token_limit
from liaoyuan.knowledge.edits.patches import carry
from liaoyuan.knowledge.edits.selectors import live_chunks
from liaoyuan.knowledge.indexes import live_index
from liaoyuan.knowledge.models import DocumentVersion
from liaoyuan.knowledge.selectors import parsed_document
from liaoyuan.knowledge.services.carrying import fits, open_patches, patch_of
from liaoyuan.knowledge.settings import ChunkingSettings

# The widths that a reader can add up in the head; the first that makes a dozen bars or fewer.
_WIDTHS = (5, 10, 20, 25, 50, 100, 200, 500, 1000)
_MOST_BINS = 12


@dataclass(frozen=True, slots=True)
class Bin:
    """How many chunks have ``start``..``end`` tokens, now and then."""

    start: int
    end: int
    now: int
    then: int


@dataclass(frozen=True, slots=True)
class Sizes:
    """Chunks and their tokens: the mean, the longest, all together."""

    chunks: int
    mean: int
    longest: int
    tokens: int

    @classmethod
    def of(cls, counts: Sequence[int]) -> "Sizes":
        """From the number of tokens of each chunk."""
        total = sum(counts)
        return cls(len(counts), round(total / len(counts)) if counts else 0, max(counts, default=0), total)


@dataclass(frozen=True, slots=True)
class Preview:
    """``drafts`` with the standing edits in place, each with its tokens; ``kept`` and ``lost`` are counts of edits."""

    version_id: UUID
    embedder: str
    target: int
    limit: int
    now: Sizes
    then: Sizes
    bins: list[Bin]
    drafts: list[ChunkDraft]
    tokens: list[int]
    kept: int
    lost: int


def chunks_preview(version: DocumentVersion, *, target: int, limit: int = 0, engine: Embedder | None = None) -> Preview:
    """Cut a version anew in memory. ``limit`` 0: all that the collection's embedding model reads.

    Inside the tenant context. Raises InvalidInput for settings that cannot be, NotFound where nothing was parsed.
    """
    if not version.blocks_key:
        raise NotFound
    index = live_index(version.document.collection_id)
    engine = engine or embedder_for(index.embedder)
    wanted = _checked(target, limit)
    most = token_limit(wanted.limit, engine.token_limit)
    parsed = parsed_document(version)
    drafts = chunk_document(version.title, parsed.blocks, engine.count_tokens, target=min(target, most), limit=most)
    patches = [patch_of(row) for row in open_patches(version, index.id)]
    found = carry(patches, drafts, fits=fits(engine, version.title))
    then = [engine.count_tokens(draft.text) for draft in found.drafts]
    now = [engine.count_tokens(chunk.text) for chunk in live_chunks(version)]
    return Preview(
        version_id=version.id,
        embedder=index.embedder,
        target=target,
        limit=most,
        now=Sizes.of(now),
        then=Sizes.of(then),
        bins=_bins(now, then),
        drafts=found.drafts,
        tokens=then,
        kept=len(found.kept),
        lost=len(found.lost),
    )


def _checked(target: int, limit: int) -> ChunkingSettings:
    try:
        return ChunkingSettings(target=target, limit=limit)
    except ValueError as error:
        raise InvalidInput(detail=f"target {target}, limit {limit}") from error


def _bins(now: Sequence[int], then: Sequence[int]) -> list[Bin]:
    longest = max([*now, *then], default=0)
    width = next((each for each in _WIDTHS if longest // each < _MOST_BINS), _WIDTHS[-1])
    before, after = Counter(count // width for count in now), Counter(count // width for count in then)
    last = max([*before, *after], default=-1)
    return [Bin(n * width, (n + 1) * width, before[n], after[n]) for n in range(last + 1)]
