"""``langchain-postgres`` under the same load: runs in an environment of its own and knows nothing of the platform.

``python store.py FOLDER``: plan.json there names the database, beside it lie vectors.npy, questions.npy, texts.json and
audiences.json; the numbers are written to store.json. The store is given what it has: its HNSW index, a column of
its own for the filter, and a btree on that column.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings
from langchain_postgres import Column, PGEngine, PGVectorStore
from langchain_postgres.v2.indexes import DistanceStrategy, HNSWIndex, HNSWQueryOptions
from sqlalchemy import create_engine, text

TABLE = "peer_store"
BATCH = 1000


class Given(Embeddings):
    """Vectors come with the load; the store never embeds here."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        raise NotImplementedError

    def embed_query(self, text: str) -> list[float]:
        raise NotImplementedError


def main(folder: Path) -> None:
    plan = json.loads((folder / "plan.json").read_text())
    engine = PGEngine.from_connection_string(plan["url"])
    engine.init_vectorstore_table(
        TABLE, vector_size=plan["dimensions"], metadata_columns=[Column("audience", "TEXT")], overwrite_existing=True
    )
    found = {"ingest": fill(folder, plan, engine), "search": {}}
    for ef in plan["ef_search"]:
        store = open_store(engine, ef)
        found["search"][str(ef)] = {share: ask(folder, plan, store, groups) for share, groups in plan["shares"].items()}
        several = {share: at_once(folder, plan, store, groups) for share, groups in plan["shares"].items()}
        found["search"][f"{ef}, {plan['at_once']} at once"] = several
    (folder / "store.json").write_text(json.dumps(found))


def open_store(engine: PGEngine, ef: int) -> Any:
    return PGVectorStore.create_sync(
        engine,
        embedding_service=Given(),
        table_name=TABLE,
        metadata_columns=["audience"],
        index_query_options=HNSWQueryOptions(ef_search=ef),
        distance_strategy=DistanceStrategy.COSINE_DISTANCE,
    )


def fill(folder: Path, plan: dict[str, Any], engine: PGEngine) -> dict[str, float]:
    """The index exists first for the rows that are timed through the store's own call; a bulk load brings the rest."""
    vectors, texts = np.load(folder / "vectors.npy"), json.loads((folder / "texts.json").read_text())
    audiences = json.loads((folder / "audiences.json").read_text())
    store = open_store(engine, 40)
    timed = min(plan["timed_rows"], len(texts))
    seconds = 0.0
    rest = len(texts) - timed
    bulk(plan, vectors[:rest], texts[:rest], audiences[:rest])
    began = time.perf_counter()
    store.apply_vector_index(HNSWIndex(m=16, ef_construction=64, distance_strategy=DistanceStrategy.COSINE_DISTANCE))
    built = time.perf_counter() - began
    used = server_cpu(plan["url"]) + time.process_time()
    for start in range(rest, len(texts), BATCH):
        stop = min(start + BATCH, len(texts))
        rows = [row.tolist() for row in vectors[start:stop]]
        metadata = [{"audience": each, "number": start + i} for i, each in enumerate(audiences[start:stop])]
        began = time.perf_counter()
        store.add_embeddings(texts[start:stop], rows, metadata)
        seconds += time.perf_counter() - began
    cpu = server_cpu(plan["url"]) + time.process_time() - used
    with create_engine(plan["url"]).begin() as connection:
        connection.execute(text(f'CREATE INDEX ON "{TABLE}" (audience)'))
    with create_engine(plan["url"]).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'VACUUM ANALYZE "{TABLE}"'))
    found = {"rows": timed, "seconds": seconds, "rows_per_second": timed / seconds, "index_seconds": built}
    return found | {"cpu_ms": 1000 * cpu / timed}


def bulk(plan: dict[str, Any], vectors: Any, texts: list[str], audiences: list[str]) -> None:
    engine = create_engine(plan["url"])
    with engine.begin() as connection:
        cursor = connection.connection.cursor()
        into = f'COPY "{TABLE}" (langchain_id, content, embedding, audience, langchain_metadata) FROM STDIN'
        with cursor.copy(into) as copy:
            for number, (vector, words, audience) in enumerate(zip(vectors, texts, audiences, strict=True)):
                identifier = f"00000000-0000-0000-0000-{number:012d}"
                copy.write_row((identifier, words, str(vector.tolist()), audience, json.dumps({"number": number})))
    # What a connection used counts while it is open: this one must not end in the midst of a measurement.
    engine.dispose()


def server_cpu(url: str) -> float:
    """CPU seconds that the connections of this database have used so far, in the server's own processes."""
    with create_engine(url).connect() as connection:
        others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        return sum(_used(pid) for pid in connection.execute(text(others)).scalars())


def _used(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return 0.0


def ask(folder: Path, plan: dict[str, Any], store: Any, groups: list[str]) -> dict[str, Any]:
    questions = [row.tolist() for row in np.load(folder / "questions.npy")]
    wanted = None if len(groups) == plan["all_groups"] else {"audience": {"$in": groups}}
    for vector in questions:
        store.similarity_search_by_vector(vector, k=plan["k"], filter=wanted)
    seconds, hits = [], []
    used = server_cpu(plan["url"]) + time.process_time()
    for vector in questions:
        began = time.perf_counter()
        documents = store.similarity_search_by_vector(vector, k=plan["k"], filter=wanted)
        seconds.append(time.perf_counter() - began)
        hits.append([int(document.metadata["number"]) for document in documents])
    cpu = time.process_time() + server_cpu(plan["url"]) - used
    return {"seconds": seconds, "hits": hits, "cpu": cpu / len(questions)}


def at_once(folder: Path, plan: dict[str, Any], store: Any, groups: list[str]) -> dict[str, Any]:
    """The same questions from several threads over one store, whose engine has a pool of connections."""
    questions = [row.tolist() for row in np.load(folder / "questions.npy")]
    wanted = None if len(groups) == plan["all_groups"] else {"audience": {"$in": groups}}

    def clocked(vector: list[float]) -> float:
        began = time.perf_counter()
        store.similarity_search_by_vector(vector, k=plan["k"], filter=wanted)
        return time.perf_counter() - began

    with ThreadPoolExecutor(plan["at_once"]) as threads:
        list(threads.map(clocked, questions))
        began = time.perf_counter()
        seconds = [took for _ in range(plan["rounds"]) for took in threads.map(clocked, questions)]
        wall = time.perf_counter() - began
    return {"seconds": seconds, "wall": wall}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
