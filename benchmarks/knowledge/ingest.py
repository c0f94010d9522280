"""Part (b): a folder comes in. The platform's import against a plain LangChain chain, embedded by one model server.

Ours does more on the way (the original kept, a confined parse, blocks with their places, versions, words for search,
rights, lineage); what counts is how much of the time is not embedding. The chain is given chunks as long as ours are.
"""

import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmarks.knowledge import house
from benchmarks.knowledge.corpus import DATA, Vectors, available

_DATABASE = "bench_chain"
_AIM_SHARE = 0.10


def measure(*, files: int = 50, **_: Any) -> dict[str, Any]:
    """{"ours"|"chain": {chunks, seconds, embedding_seconds, outside_share, chunks_per_second, …}, "rows_faster"}."""
    if not available():
        return {"skipped": f"{DATA / 'cn_laws'} is not here"}
    house.prepare()
    python = house.environment()
    chosen = _spread(sorted((DATA / "cn_laws").glob("*/*.md")), files)
    with house.engines(only=("postgres", "valkey", "model_server")) as addresses:
        ours = _ours(chosen)
        print(_line("ours", ours), flush=True)
        chain = _chain(python, addresses, chosen, characters=max(50, ours["characters"] // max(1, ours["chunks"])))
        print(_line("chain", chain), flush=True)
    faster = ours["rows_per_second"] / chain["rows_per_second"]
    print(f"rows a second outside of embedding: {faster:.1f}x the chain's", flush=True)
    return {
        "ours": ours,
        "chain": chain,
        "rows_faster": round(faster, 2),
        "met": ours["outside_share"] <= _AIM_SHARE,
    }


def _spread(paths: Sequence[Path], count: int) -> list[Path]:
    return list(paths[:: max(1, len(paths) // count)])[:count]


def _line(name: str, found: dict[str, Any]) -> str:
    return (
        f"{name:6} {found['chunks']} chunks in {found['seconds']:.1f} s, {found['chunks_per_second']:.1f}/s, "
        f"{found['outside_share']:.1%} outside of embedding"
    )


class _Timed:
    """The embedder in force, its seconds counted."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.name, self.dimensions, self.token_limit = inner.name, inner.dimensions, inner.token_limit
        self.seconds, self.characters = 0.0, 0

    def embed(self, texts: Sequence[str], role: Any) -> Vectors:
        began = time.perf_counter()
        found: Vectors = self._inner.embed(texts, role)
        self.seconds += time.perf_counter() - began
        self.characters += sum(map(len, texts))
        return found

    def count_tokens(self, text: str) -> int:
        return int(self._inner.count_tokens(text))


def _ours(files: Sequence[Path]) -> dict[str, Any]:
    from liaoyuan.accounts.services import organization_create
    from liaoyuan.knowledge.adapters.embeddings import embedder
    from liaoyuan.knowledge.services import documents_import
    from liaoyuan.knowledge.text.segment import index_terms

    organization, _ = organization_create(name=f"bench-{uuid4().hex[:8]}")
    engine = _Timed(embedder())
    engine.embed(["预热"], "passage")
    # What a worker has loaded long before: the dictionary of the word cutter, the tokenizer.
    index_terms("预热")
    engine.count_tokens("预热")
    engine.seconds, engine.characters, began = 0.0, 0, time.perf_counter()
    outcomes = documents_import(organization_id=organization.id, collection="bench", paths=files, engine=engine)
    seconds = time.perf_counter() - began
    states = [outcome.state for outcome in outcomes]
    return _found(len(files), sum(each.chunks for each in outcomes), seconds, engine.seconds, engine.characters) | {
        "ready": states.count("ready")
    }


def _chain(python: Path, addresses: Any, files: Sequence[Path], *, characters: int) -> dict[str, Any]:
    from django.conf import settings

    from liaoyuan.compute.engines import postgres

    postgres.drop_database(addresses, _DATABASE)
    postgres.create_database(addresses, _DATABASE)
    with tempfile.TemporaryDirectory(prefix="liaoyuan-bench-") as folder:
        plan = {
            "url": f"postgresql+psycopg://liaoyuan_owner@/{_DATABASE}?host={addresses.sockets}&port=5432",
            "server": settings.MODEL_SERVER_URL,
            "token": settings.MODEL_SERVER_TOKEN,
            "files": [str(path) for path in files],
            "dimensions": 384,
            "characters": characters,
        }
        (Path(folder) / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
        subprocess.run([str(python), str(Path(__file__).with_name("chain.py")), folder], check=True)
        found = json.loads((Path(folder) / "chain.json").read_text())
    postgres.drop_database(addresses, _DATABASE)
    return _found(len(files), found["chunks"], found["seconds"], found["embedding_seconds"], found["characters"])


def _found(files: int, chunks: int, seconds: float, embedding: float, characters: int) -> dict[str, Any]:
    outside = max(1e-9, seconds - embedding)
    return {
        "files": files,
        "chunks": chunks,
        "characters": characters,
        "seconds": round(seconds, 2),
        "embedding_seconds": round(embedding, 2),
        "outside_share": round(outside / seconds, 4),
        "chunks_per_second": round(chunks / seconds, 2),
        "rows_per_second": round(chunks / outside, 1),
    }
