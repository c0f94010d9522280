"""The vectors of a version's chunks: what the embedding model reads of each, and none made twice."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from uuid import UUID

import numpy as np

from liaoyuan.knowledge.adapters.embeddings import Embedder, Vectors
from liaoyuan.knowledge.chunking import ChunkDraft
from liaoyuan.knowledge.edits.groups import draft_of
from liaoyuan.knowledge.models import Chunk

EMBED_AT_ONCE: Final = 64


def embedded_text(title: str, draft: ChunkDraft) -> str:
    """What the embedding model reads of a chunk."""
    return f"{draft.context(title)}\n{draft.text}"


def vectors_known(version_id: UUID, index_id: UUID) -> dict[str, Vectors]:
    """By what was embedded, the vectors that one generation has of a version."""
    rows = Chunk.objects.filter(version_id=version_id, index_id=index_id)
    return {embedded_text(row.title, draft_of(row)): np.asarray(row.embedding, np.float32) for row in rows}


def embedded(
    engine: Embedder,
    title: str,
    drafts: Sequence[ChunkDraft],
    known: Mapping[str, Vectors],
    progress: Callable[[float], None] | None = None,
) -> list[Vectors]:
    """The vectors of ``drafts``, each with its title and headings; those that are ``known`` are not made again."""
    texts = [embedded_text(title, draft) for draft in drafts]
    missing = list(dict.fromkeys(text for text in texts if text not in known))
    made = dict(known)
    for start in range(0, len(missing), EMBED_AT_ONCE):
        some = missing[start : start + EMBED_AT_ONCE]
        made |= zip(some, engine.embed(some, "passage"), strict=True)
        if progress:
            progress((start + len(some)) / len(missing))
    return [made[text] for text in texts]
