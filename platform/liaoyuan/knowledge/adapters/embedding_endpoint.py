"""Embeddings of an OpenAI-compatible endpoint that the operator configured (vLLM, TEI, Ollama, a vendor's service)."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Final, Literal

import httpx
import numpy as np
from numpy.typing import NDArray

from liaoyuan.knowledge.errors import EmbedderDown, EmbedderRefused, EmbeddingMismatch
from liaoyuan.knowledge.settings import EmbeddingEndpoint

Vectors = NDArray[np.float32]
# A question is a query whose passages are looked for; the built-in model reads it by weights of its own.
Role = Literal["query", "passage", "question"]
TokenCounter = Callable[[str], int]

TRIES: Final = 3
FIRST_DELAY: Final = 0.25
TIMEOUT: Final = httpx.Timeout(120.0, connect=5.0)
# Busy or restarting: worth another try. Anything else in the 400s will be the same next time.
PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
BAD_REQUEST: Final = 400
CACHED_QUERIES: Final = 4096
_ASCII_TOKENS, _OTHER_TOKENS = 0.5, 1.5


class EndpointEmbedder:
    """One configured endpoint. Thread-safe; rows have length 1 whatever the service gives."""

    def __init__(
        self, endpoint: EmbeddingEndpoint, xlm_roberta: TokenCounter, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.name, self.dimensions = endpoint.name, endpoint.dimensions
        self.token_limit = endpoint.token_limit
        self._endpoint = endpoint
        self._xlm_roberta = xlm_roberta
        self._transport = transport
        self._turn = threading.Lock()
        self._queries: OrderedDict[str, Vectors] = OrderedDict()

    def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        """Shape (n, dimensions), float32, in the order of ``texts``. Raises EmbedderDown, EmbedderRefused and
        EmbeddingMismatch."""
        if role != "passage":
            return self._queried(texts)
        rows = [self._batch(batch, role) for batch in self._batches(texts)]
        return np.concatenate(rows) if rows else np.empty((0, self.dimensions), np.float32)

    def count_tokens(self, text: str) -> int:
        """Tokens of ``text`` with the passage prefix and special tokens, by the model's tokenizer or bounded above."""
        return self._counter(self._endpoint.passage_prefix + text)

    def check(self) -> None:
        """Ask the endpoint for one vector, so that a wrong name, key or dimension shows before a build begins."""
        self._batch(["ok"], "query")

    def _queried(self, texts: Sequence[str]) -> Vectors:
        with self._turn:
            missing = [text for text in dict.fromkeys(texts) if text not in self._queries]
        found: dict[str, Vectors] = {}
        for batch in self._batches(missing):
            found |= dict(zip(batch, self._batch(batch, "query"), strict=True))
        with self._turn:
            rows = [found[text] if text in found else self._queries[text] for text in texts]
            self._queries |= found
            while len(self._queries) > CACHED_QUERIES:
                self._queries.popitem(last=False)
        return np.stack(rows) if rows else np.empty((0, self.dimensions), np.float32)

    def _batches(self, texts: Sequence[str]) -> list[Sequence[str]]:
        size = self._endpoint.batch
        return [texts[start : start + size] for start in range(0, len(texts), size)]

    def _batch(self, texts: Sequence[str], role: Role) -> Vectors:
        prefix = self._endpoint.query_prefix if role != "passage" else self._endpoint.passage_prefix
        body: dict[str, Any] = {
            "model": self._endpoint.model,
            "input": [self._fitting(prefix + text.replace("\x00", " ")) for text in texts],
            "encoding_format": "float",
        }
        if self._endpoint.ask_dimensions:
            body["dimensions"] = self.dimensions
        return self._vectors(self._post(body), len(texts))

    def _fitting(self, text: str) -> str:
        """Cut to what the model reads: a service may refuse the whole batch for one long question."""
        while (tokens := self._counter(text)) > self.token_limit and len(text) > 1:
            text = text[: max(1, int(len(text) * self.token_limit / tokens * 0.98))]
        return text

    def _post(self, body: dict[str, Any]) -> Any:
        detail = ""
        for attempt in range(TRIES):
            if attempt:
                time.sleep(FIRST_DELAY * 2**attempt)
            try:
                response = self._http.post("/embeddings", json=body)
            except httpx.TransportError as error:
                detail = str(error) or type(error).__name__
                continue
            if response.status_code in PASSING:
                detail = f"HTTP {response.status_code}"
                continue
            if response.status_code >= BAD_REQUEST:
                raise EmbedderRefused(name=self.name, detail=f"HTTP {response.status_code} {response.text[:200]}")
            return _json(response, self.name)
        raise EmbedderDown(name=self.name, url=self._endpoint.url, detail=detail)

    def _vectors(self, answer: Any, count: int) -> Vectors:
        try:
            rows = sorted(answer["data"], key=lambda row: row["index"])
            found = np.asarray([row["embedding"] for row in rows], dtype=np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise EmbedderRefused(name=self.name, detail="no embeddings in the answer") from error
        if found.shape != (count, self.dimensions):
            got = found.shape[1] if found.ndim == 2 else len(rows)
            raise EmbeddingMismatch(got=got, wanted=self.dimensions)
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        if not np.isfinite(found).all() or not lengths.all():
            raise EmbedderRefused(name=self.name, detail="a vector of zeros or NaN")
        return np.asarray(found / lengths, dtype=np.float32)

    @cached_property
    def _http(self) -> httpx.Client:
        key = self._endpoint.secret
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        # trust_env off: a proxy in the environment must not see the tenants' texts unless the operator says so.
        return httpx.Client(
            base_url=self._endpoint.url, headers=headers, timeout=TIMEOUT, trust_env=False, transport=self._transport
        )

    @cached_property
    def _counter(self) -> TokenCounter:
        if self._endpoint.tokenizer == "xlm-roberta":
            return self._xlm_roberta
        if self._endpoint.tokenizer == "estimate":
            return tokens_estimated
        # Comes with transformers, which the smallest installation leaves out.
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(self._endpoint.tokenizer)
        tokenizer.no_truncation()
        return lambda text: len(tokenizer.encode(text).ids)


def tokens_estimated(text: str) -> int:
    """An upper bound for the byte-pair vocabularies in use: half a token a Latin letter, one and a half a Chinese
    character, and the special tokens."""
    latin = sum(1 for character in text if character.isascii())
    return int(_ASCII_TOKENS * latin + _OTHER_TOKENS * (len(text) - latin)) + 4


def _json(response: httpx.Response, name: str) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise EmbedderRefused(name=name, detail="the answer is no JSON") from error
