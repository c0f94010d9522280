"""multilingual-e5-small (384 dimensions, zh and en): L2-normalised, in batches, queries first and remembered."""

import asyncio
import queue
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from liaoyuan.deployment.serving.e5 import DIMENSIONS, Engine, Kind, Reading, Vectors, engine_choose

CACHED_QUERIES = 4096

Embedded = tuple[Vectors, int]


@dataclass(order=True)
class _Job:
    rank: int
    order: int
    reading: Reading = field(compare=False)
    future: asyncio.Future[Embedded] = field(compare=False)


class Embedder:
    """Worker threads that share one engine, each with a batch of its own: they never wait for each other.

    A turn is as many texts of one kind as the engine takes at once, queries first: nobody's question waits behind
    somebody's thousand passages for longer than one turn.
    """

    def __init__(self, *, threads: int, engine: Engine | None = None) -> None:
        self.engine = engine or engine_choose()
        self._cache: OrderedDict[tuple[Kind, str], Embedded] = OrderedDict()
        self._order = count()
        self._queue: queue.PriorityQueue[_Job] = queue.PriorityQueue()
        for index in range(threads):
            threading.Thread(target=self._work, name=f"embed-{index}", daemon=True).start()

    async def embed(self, texts: list[str], kind: Kind) -> tuple[Vectors, int]:
        """Vectors (n, 384), float32, rows of length 1, and the tokens read. A text beyond 512 tokens is windowed."""
        if not texts:
            return np.empty((0, DIMENSIONS), dtype=np.float32), 0
        clean = [_clean(text) for text in texts]
        # Passages are never remembered: none is asked for twice.
        found = {text: self._cache[kind, text] for text in clean if (kind, text) in self._cache}
        found |= await self._compute(list(dict.fromkeys(text for text in clean if text not in found)), kind)
        if kind is not Kind.PASSAGE:
            self._remember(found, kind)
        rows = [found[text] for text in clean]
        return np.stack([vector for vector, _ in rows]), sum(tokens for _, tokens in rows)

    async def _compute(self, texts: list[str], kind: Kind) -> dict[str, Embedded]:
        if not texts:
            return {}
        readings = await asyncio.to_thread(lambda: [self.engine.read(text, kind) for text in texts])
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Embedded]] = [loop.create_future() for _ in readings]
        # Neighbours in the queue share a pass, where the longest sets the work for all.
        for reading, future in sorted(zip(readings, futures, strict=True), key=lambda pair: pair[0].tokens):
            self._queue.put(_Job(int(kind is Kind.PASSAGE), next(self._order), reading, future))
        try:
            return dict(zip(texts, await asyncio.gather(*futures), strict=True))
        finally:
            # A caller that left must not keep the threads busy: they skip what is cancelled.
            for future in futures:
                future.cancel()

    def _work(self) -> None:
        while True:
            jobs = self._turn()
            try:
                vectors = self.engine.encode([job.reading for job in jobs])
                results: list[Embedded | BaseException] = [
                    (vector, job.reading.tokens) for job, vector in zip(jobs, vectors, strict=True)
                ]
            except Exception as error:  # noqa: BLE001 - it is raised in the callers' tasks, and the thread lives on
                results = [error] * len(jobs)
            for job, result in zip(jobs, results, strict=True):
                job.future.get_loop().call_soon_threadsafe(_settle, job.future, result)

    def _turn(self) -> list[_Job]:
        """Wait for a job; then take what is queued of its kind while all fit into one pass of the engine."""
        jobs = [self._wait()]
        room = self.engine.turn_tokens - jobs[0].reading.tokens
        while room > 0:
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                break
            if job.future.cancelled():
                continue
            room -= job.reading.tokens
            if room < 0 or job.rank != jobs[0].rank:
                self._queue.put(job)
                break
            jobs.append(job)
        return jobs

    def _wait(self) -> _Job:
        while True:
            job = self._queue.get()
            if not job.future.cancelled():
                return job

    def _remember(self, found: dict[str, Embedded], kind: Kind) -> None:
        for text, result in found.items():
            self._cache[kind, text] = result
            self._cache.move_to_end((kind, text))
        while len(self._cache) > CACHED_QUERIES:
            self._cache.popitem(last=False)


def _clean(text: str) -> str:
    """Without zeros, which end a text in C, and halves of characters, which no UTF-8 can say: both come from PDFs."""
    return text.replace("\x00", " ").encode("utf-8", "replace").decode()


def _settle(future: asyncio.Future[Embedded], result: Embedded | BaseException) -> None:
    if future.done():
        return
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)
