"""The ASGI application: routes, bearer token, OpenAI-style errors, streams that end when the client leaves."""

import asyncio
import base64
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from liaoyuan.deployment.serving.e5 import DIMENSIONS, Vectors
from liaoyuan.deployment.serving.embeddings import Embedder
from liaoyuan.deployment.serving.errors import NoSuchRoute, ServingError, TooLarge, UnknownModel, WrongToken
from liaoyuan.deployment.serving.pool import ModelPool
from liaoyuan.deployment.serving.relay import Relay
from liaoyuan.deployment.serving.requests import (
    AdapterRequest,
    ChatRequest,
    CompletionRequest,
    EmbeddingRequest,
    TokenizeRequest,
    request_parse,
)
from liaoyuan.deployment.serving.settings import EMBEDDING_MODEL

logger = logging.getLogger(__name__)
LARGEST_BODY = 16 * 1024 * 1024
JSON_TYPE = b"application/json"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Answer = dict[str, Any] | AsyncIterator[dict[str, Any]]


class ModelServerApp:
    """Answers what :data:`_ROUTES` lists. Everything but the bare health needs the token."""

    def __init__(self, pool: ModelPool, embedder: Embedder, token: str) -> None:
        self._pool, self._embedder, self._token = pool, embedder, token
        self._relay = Relay(pool)
        self._started = time.time()
        self._routes: dict[tuple[str, str], Callable[[bytes], Awaitable[Answer]]] = {
            ("POST", "/v1/chat/completions"): self._chat,
            ("POST", "/v1/completions"): self._complete,
            ("POST", "/v1/embeddings"): self._embed,
            ("GET", "/v1/models"): self._models,
            ("POST", "/tokenize"): self._tokenize,
            ("GET", "/adapters"): self._adapters,
            ("POST", "/adapters"): self._adapter_add,
        }

    async def close(self) -> None:
        await self._relay.close()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One HTTP request."""
        if scope["type"] != "http":
            return
        try:
            answer = await self._answer(scope, receive)
            if isinstance(answer, dict):
                await _send_json(send, 200, answer)
            else:
                await _send_stream(send, receive, answer)
        except ServingError as error:
            await _send_json(send, error.status, error.body())
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            body = {"error": {"message": "internal error, see the log", "type": "server_error", "code": "internal"}}
            await _send_json(send, 500, body)

    async def _answer(self, scope: Message, receive: Receive) -> Answer:
        method, path = scope["method"], scope["path"]
        allowed = self._allowed(scope)
        if (method, path) == ("GET", "/health"):
            return self._health(full=allowed)
        if not allowed:
            raise WrongToken
        if method == "DELETE" and path.startswith("/adapters/"):
            await self._pool.adapter_remove(path.removeprefix("/adapters/"))
            return self._pool.describe()
        handler = self._routes.get((method, path))
        if handler is None:
            raise NoSuchRoute(method=method, path=path)
        return await handler(await _body(receive))

    def _allowed(self, scope: Message) -> bool:
        given = dict(scope["headers"]).get(b"authorization", b"")
        return hmac.compare_digest(given, f"Bearer {self._token}".encode())

    def _health(self, *, full: bool) -> dict[str, Any]:
        if not full:
            return {"status": "ok"}
        embedding = {"name": EMBEDDING_MODEL, "dimensions": DIMENSIONS, "engine": self._embedder.engine.name}
        limits = {"context": self._pool.settings.context, "slots": self._pool.settings.slots}
        uptime = round(time.time() - self._started, 1)
        return {"status": "ok", "embedding": embedding, "uptime": uptime} | limits | self._pool.describe()

    async def _chat(self, body: bytes) -> Answer:
        request = request_parse(ChatRequest, body)
        return self._relay.chat_stream(request) if request.stream else await self._relay.chat(request)

    async def _complete(self, body: bytes) -> Answer:
        return await self._relay.complete(request_parse(CompletionRequest, body))

    async def _tokenize(self, body: bytes) -> Answer:
        return await self._relay.tokenize(request_parse(TokenizeRequest, body))

    async def _embed(self, body: bytes) -> Answer:
        request = request_parse(EmbeddingRequest, body)
        if request.model != EMBEDDING_MODEL:
            raise UnknownModel(model=request.model, known=EMBEDDING_MODEL, param="model")
        vectors, tokens = await self._embedder.embed(request.texts(), request.kind)
        data = [
            {"object": "embedding", "index": index, "embedding": _vector(row, request.encoding_format)}
            for index, row in enumerate(vectors)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "data": data, "model": EMBEDDING_MODEL, "usage": usage}

    async def _models(self, _body: bytes) -> Answer:
        names = [*self._pool.names(), EMBEDDING_MODEL]
        created = int(self._started)
        data = [{"id": name, "object": "model", "created": created, "owned_by": "liaoyuan"} for name in names]
        return {"object": "list", "data": data}

    async def _adapters(self, _body: bytes) -> Answer:
        return self._pool.describe()

    async def _adapter_add(self, body: bytes) -> Answer:
        request = request_parse(AdapterRequest, body)
        adapter = await self._pool.adapter_add(request.name, Path(request.path), request.sha256)
        return {"added": adapter.as_dict()} | self._pool.describe()


def _vector(row: Vectors, encoding: str) -> str | list[float]:
    return base64.b64encode(row.tobytes()).decode("ascii") if encoding == "base64" else row.tolist()


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            raise TooLarge(limit=LARGEST_BODY)
        if not message.get("more_body", False):
            return bytes(body)


async def _send_json(send: Send, status: int, value: dict[str, Any]) -> None:
    body = json.dumps(value, ensure_ascii=False).encode()
    headers = [(b"content-type", JSON_TYPE), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _send_stream(send: Send, receive: Receive, chunks: AsyncIterator[dict[str, Any]]) -> None:
    """Server-sent events. An error before the first chunk keeps its status; when the client leaves, generation ends."""
    first = await anext(chunks)
    headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    pump = asyncio.create_task(_pump(send, first, chunks))
    left = asyncio.create_task(_left(receive))
    _, pending = await asyncio.wait({pump, left}, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)


async def _pump(send: Send, first: dict[str, Any], chunks: AsyncIterator[dict[str, Any]]) -> None:
    await _event(send, json.dumps(first, ensure_ascii=False))
    try:
        async for chunk in chunks:
            await _event(send, json.dumps(chunk, ensure_ascii=False))
    except ServingError as error:
        # The status is long sent; OpenAI's clients raise on an `error` object in the stream.
        await _event(send, json.dumps(error.body(), ensure_ascii=False))
    await _event(send, "[DONE]")
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _event(send: Send, data: str) -> None:
    await send({"type": "http.response.body", "body": f"data: {data}\n\n".encode(), "more_body": True})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
