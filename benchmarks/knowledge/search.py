"""Part (a): retrieval beyond the embedding, ours against ``langchain-postgres`` and against a plain exact scan."""

import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.knowledge import house
from benchmarks.knowledge.corpus import (
    SHARES,
    Corpus,
    Vectors,
    available,
    corpus,
    embedded,
    nearest,
    passages,
    questions,
)

K = 10
_TIMED_ROWS = 1000
_PEER_EF = (40, 100)
_SAID = """\
{asked} questions, embedded beforehand, over chunks that each join two of {passages:,} articles; a chunk's vector is the
weighted mean of theirs. Latency is the whole call beyond the embedding, in one client; CPU is the client's and the
server's together, which a busy machine does not stretch. "ours, vector" runs in a tenant context that is open already,
as a chat does; "own context" opens and closes one. The other store ranks by vectors alone, without rights."""


def measure(*, sizes: Sequence[int] = (1_000, 10_000, 100_000), asked: int = 200, **_: Any) -> dict[str, Any]:
    """{"sizes": {size: {"ingest": …, "search": {share: {way: {p50_ms, p95_ms, per_second, recall}}}}}}."""
    if not available():
        return {"skipped": "../shared/data/cn_laws is not here"}
    house.prepare()
    peer = house.environment()
    with house.engines() as addresses:
        base, words = passages(), questions(asked)
        vectors = embedded(base, "passage", house.CACHE)
        queries = embedded(sorted(set(words)), "query", house.CACHE)
        order = {text: row for row, text in enumerate(sorted(set(words)))}
        print(_SAID.format(passages=len(base), asked=len(words)), flush=True)
        wanted = queries[[order[text] for text in words]]
        found = {}
        for size in sizes:
            print(f"{size:,} chunks… ({_machine()})", flush=True)
            found[str(size)] = _size(corpus(size, base, vectors), words, wanted, peer, addresses)
    return {"k": K, "questions": len(words), "machine": _machine(), "sizes": found}


def _size(given: Corpus, words: Sequence[str], vectors: Vectors, peer: Path, addresses: Any) -> dict[str, Any]:
    from benchmarks.knowledge import ours

    filled = ours.fill(given)
    other = _peer(given, vectors, peer, addresses)
    found: dict[str, dict[str, Any]] = {}
    search: dict[str, Any] = {}
    for share in SHARES:
        ways = {f"ours, {name}": row for name, row in ours.ask(filled, share, words, vectors, K).items()}
        few = min(20, len(words))
        ways["exact scan"] = ours.plain(filled, share, vectors[:few], K)
        ways |= {f"peer, ef_search {ef}": rows[share] for ef, rows in other["search"].items()}
        found[share] = ways
    # Only now: the library that multiplies matrices keeps its threads spinning for a while after.
    for share, ways in found.items():
        truth = nearest(given.vectors, vectors, given.visible(share), K)
        search[share] = {name: _summary(row, truth) for name, row in ways.items()}
        # It ranks by words too: what it shares with the nearest vectors measures nothing.
        search[share]["ours, hybrid"].pop("recall")
        _print(share, search[share])
    ingest = {"ours": filled.ingest, "peer": other["ingest"]}
    for name, row in ingest.items():
        built = f"index built in {row['index_seconds']:.1f} s; CPU of a row before that {row['cpu_ms']:.2f} ms"
        print(f"  indexed rows/s, {name}: {row['rows_per_second']:,.0f} ({built})")
    return {"ingest": ingest, "search": search}


def _peer(given: Corpus, vectors: Vectors, python: Path, addresses: Any) -> dict[str, Any]:
    """The other store on the same server, in a database of its own, by its own process."""
    from benchmarks.knowledge import ours
    from liaoyuan.compute.engines import postgres

    name = "bench_peer"
    postgres.drop_database(addresses, name)
    postgres.create_database(addresses, name)
    with tempfile.TemporaryDirectory(prefix="bench-peer-") as folder:
        place = Path(folder)
        np.save(place / "vectors.npy", given.vectors)
        np.save(place / "questions.npy", vectors)
        (place / "texts.json").write_text(json.dumps(given.texts), encoding="utf-8")
        audiences = [given.audience(number) for number in range(len(given.texts))]
        (place / "audiences.json").write_text(json.dumps(audiences), encoding="utf-8")
        plan = {
            "url": f"postgresql+psycopg://liaoyuan_owner@/{name}?host={addresses.sockets}&port=5432",
            "dimensions": given.vectors.shape[1],
            "k": K,
            "timed_rows": _TIMED_ROWS,
            "ef_search": _PEER_EF,
            "shares": SHARES,
            "at_once": ours.AT_ONCE,
            "rounds": ours.ROUNDS,
            "all_groups": max(len(groups) for groups in SHARES.values()),
        }
        (place / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
        subprocess.run([str(python), str(Path(__file__).parent / "store.py"), folder], check=True)
        found: dict[str, Any] = json.loads((place / "store.json").read_text(encoding="utf-8"))
    postgres.drop_database(addresses, name)
    return found


def _summary(row: dict[str, Any], truth: Sequence[set[int]]) -> dict[str, float]:
    """Recall counts against what exact search finds, which may be fewer than K rows."""
    seconds = sorted(row["seconds"])
    summary = {
        "p50_ms": 1000 * statistics.median(seconds),
        "p95_ms": 1000 * seconds[int(0.95 * (len(seconds) - 1))],
        "per_second": len(seconds) / row.get("wall", sum(seconds)),
    }
    if "cpu" in row:
        summary["cpu_ms"] = 1000 * row["cpu"]
    if "hits" in row:
        found = sum(len(set(hits) & best) for hits, best in zip(row["hits"], truth, strict=False))
        summary["recall"] = found / sum(len(best) for best in truth[: len(row["hits"])])
    return summary


def _print(share: str, ways: dict[str, dict[str, float]]) -> None:
    """A line for each way; its factor is over the other store as it comes (``ef_search`` 40), as many at once."""
    from benchmarks.knowledge import ours

    several = f", {ours.AT_ONCE} at once"
    for name, row in ways.items():
        base = ways[f"peer, ef_search {_PEER_EF[0]}{several if several in name else ''}"]["per_second"]
        recall = f"{row['recall']:.3f}" if "recall" in row else "–"
        cpu = f"{row['cpu_ms']:7.2f} ms" if "cpu_ms" in row else "         –"
        print(
            f"  {share:>4} visible  {name:<30} p50 {row['p50_ms']:8.2f} ms  p95 {row['p95_ms']:8.2f} ms  "
            f"CPU {cpu}  {row['per_second']:8.0f}/s ({row['per_second'] / base:5.1f}×)  "
            f"recall@{K} {recall}",
            flush=True,
        )


def _machine() -> str:
    return f"{os.cpu_count()} cores, load {', '.join(f'{each:.1f}' for each in os.getloadavg())}"
