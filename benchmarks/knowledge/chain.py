"""A plain LangChain chain over the same folder: loader, splitter, vector store. Runs in an environment of its own.

``python chain.py FOLDER``: plan.json there names the files, the database and the model server, which embeds for both
sides; the numbers are written to chain.json.
"""

import base64
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_postgres import PGEngine, PGVectorStore
from langchain_postgres.v2.indexes import DistanceStrategy, HNSWIndex
from langchain_text_splitters import RecursiveCharacterTextSplitter

TABLE = "peer_chain"
BATCH = 64


class Server(Embeddings):
    """The platform's model server, asked as the platform asks it; counts the seconds."""

    def __init__(self, url: str, token: str) -> None:
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=600)
        self.seconds = 0.0

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        began = time.perf_counter()
        rows: list[list[float]] = []
        for start in range(0, len(texts), BATCH):
            body = {"input": texts[start : start + BATCH], "model": "multilingual-e5-small", "kind": "passage"}
            answer = (
                self.http.post("/v1/embeddings", json=body | {"encoding_format": "base64"}).raise_for_status().json()
            )
            rows.extend(
                np.frombuffer(base64.b64decode(row["embedding"]), np.float32).tolist() for row in answer["data"]
            )
        self.seconds += time.perf_counter() - began
        return rows

    def embed_query(self, text: str) -> list[float]:
        raise NotImplementedError


class Files(BaseLoader):
    """Each file one document, as ``TextLoader`` gives it."""

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths

    def lazy_load(self) -> Iterator[Document]:
        for path in self.paths:
            yield Document(page_content=Path(path).read_text(encoding="utf-8"), metadata={"source": path})


def main(folder: Path) -> None:
    plan: dict[str, Any] = json.loads((folder / "plan.json").read_text())
    engine = PGEngine.from_connection_string(plan["url"])
    engine.init_vectorstore_table(TABLE, vector_size=plan["dimensions"], overwrite_existing=True)
    server = Server(plan["server"], plan["token"])
    store = PGVectorStore.create_sync(engine, embedding_service=server, table_name=TABLE)
    store.apply_vector_index(HNSWIndex(m=16, ef_construction=64, distance_strategy=DistanceStrategy.COSINE_DISTANCE))
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=plan["characters"],
        chunk_overlap=0,
        separators=["\n\n", "\n", "。", "；", "，", ""],
        keep_separator="end",
    )
    server.embed_documents(["预热"])
    server.seconds, began = 0.0, time.perf_counter()
    chunks = splitter.split_documents(Files(plan["files"]).load())
    store.add_documents(chunks)
    seconds = time.perf_counter() - began
    found = {"chunks": len(chunks), "seconds": seconds, "embedding_seconds": server.seconds}
    found["characters"] = sum(len(chunk.page_content) for chunk in chunks)
    (folder / "chain.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
