"""A real OpenAI-compatible embedding service on the loopback: E5's own weights, cut to 256 dimensions."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from liaoyuan.knowledge.adapters.embeddings import ProcessEmbedder
from liaoyuan.knowledge.settings import EmbeddingEndpoint

DIMENSIONS = 256
KEY = "key-of-the-embedding-service"


@dataclass
class Service:
    """``down`` answers 503 as a restarting service does; ``asked`` are the texts that came in."""

    engine: ProcessEmbedder
    url: str = ""
    down: bool = False
    dimensions: int = DIMENSIONS
    asked: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    largest_batch: int = 0

    def endpoint(self, name: str = "e5-256", **more: Any) -> EmbeddingEndpoint:
        given = {
            "model": "e5",
            "dimensions": DIMENSIONS,
            "tokenizer": "xlm-roberta",
            "query_prefix": "问：",
            "key": KEY,
        }
        return EmbeddingEndpoint(name=name, url=self.url, **given | more)

    def answer(self, texts: list[str]) -> list[dict[str, Any]]:
        self.asked += texts
        self.largest_batch = max(self.largest_batch, len(texts))
        vectors = self.engine.embed(texts, "passage")[:, : self.dimensions]
        # Not of length 1, and the last first: both are allowed.
        rows = [{"index": place, "embedding": (3 * row).tolist()} for place, row in enumerate(np.asarray(vectors))]
        return rows[::-1]


@contextmanager
def served(engine: ProcessEmbedder) -> Iterator[Service]:
    service = Service(engine)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name is the protocol's
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            service.keys.add(self.headers.get("Authorization", ""))
            if service.down or self.path != "/v1/embeddings":
                return self._send(503, {"error": "down"})
            if body["model"] != "e5":
                return self._send(404, {"error": {"message": "no such model"}})
            return self._send(200, {"data": service.answer(body["input"])})

        def _send(self, status: int, answer: dict[str, Any]) -> None:
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
