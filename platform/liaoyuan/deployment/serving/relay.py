"""Carry a request to the llama server in use and its answer back; tried again as long as no token has left."""

import json
import logging
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx

from liaoyuan.deployment.serving.errors import EngineBroken, PromptTooLong, ServingError
from liaoyuan.deployment.serving.llama import LlamaServer
from liaoyuan.deployment.serving.pool import ModelPool
from liaoyuan.deployment.serving.requests import ChatRequest, CompletionRequest, TokenizeRequest

logger = logging.getLogger(__name__)
TRIES = 3
BAD_REQUEST = 400
SERVER_ERROR = 500
DONE = "[DONE]"
# Generation may be silent for long while a long prompt is read.
TIMEOUT = httpx.Timeout(600.0, connect=5.0)


class Relay:
    """The text side of the model server. Use from one event loop."""

    def __init__(self, pool: ModelPool) -> None:
        self._pool = pool
        # trust_env off: a proxy in the environment must never see a loopback call.
        limits = httpx.Limits(max_keepalive_connections=16)
        self._client = httpx.AsyncClient(timeout=TIMEOUT, limits=limits, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def chat(self, request: ChatRequest) -> dict[str, Any]:
        """The whole answer."""
        answer = await self._ask("/v1/chat/completions", request.upstream(), request.model)
        return answer | {"model": self._name(request.model)}

    async def chat_stream(self, request: ChatRequest) -> AsyncIterator[dict[str, Any]]:
        """The answer's chunks; the first one is awaited before anything is sent, so that errors keep their status."""
        async with self._pool.lease() as server:
            body = request.upstream() | {"lora": server.lora(self._pool.adapter_of(request.model))}
            name = self._name(request.model)
            for attempt in range(1, TRIES + 1):
                sent = False
                try:
                    async for chunk in self._chunks(server, body):
                        sent = True
                        yield chunk | {"model": name}
                except httpx.TransportError as error:
                    if sent or attempt == TRIES:
                        raise EngineBroken(detail=_reason(error)) from error
                    logger.warning("llama.cpp dropped a stream before its first token, try %d", attempt)
                else:
                    return

    async def complete(self, request: CompletionRequest) -> dict[str, Any]:
        """Raw completion in OpenAI's form, with token ids beside."""
        found = await self._ask("/completion", request.upstream(), request.model)
        return _completion(found, self._name(request.model), asked=request.logprobs is not None)

    async def tokenize(self, request: TokenizeRequest) -> dict[str, Any]:
        """{tokens, prompt}: ids of the prompt exactly as a completion reads it; no token is put before it."""
        prompt = request.content
        if prompt is None:
            messages = [message.plain() for message in request.messages or []]
            prompt = str((await self._ask("/apply-template", {"messages": messages}, None))["prompt"])
        body = {"content": prompt, "add_special": False, "parse_special": request.parse_special}
        return {"tokens": (await self._ask("/tokenize", body, None))["tokens"], "prompt": prompt}

    def _name(self, model: str | None) -> str:
        return model or self._pool.settings.base_name

    async def _ask(self, path: str, body: dict[str, Any], model: str | None) -> dict[str, Any]:
        async with self._pool.lease() as server:
            full = body | {"lora": server.lora(self._pool.adapter_of(model))}
            for attempt in range(1, TRIES + 1):
                try:
                    response = await self._client.post(f"{server.url}{path}", json=full, headers=_headers(server))
                except httpx.TransportError as error:
                    if attempt == TRIES:
                        raise EngineBroken(detail=_reason(error)) from error
                    logger.warning("llama.cpp dropped a request, try %d", attempt)
                else:
                    if response.status_code >= BAD_REQUEST:
                        raise _refusal(response.status_code, response.content)
                    answer: dict[str, Any] = response.json()
                    return answer
        raise AssertionError("unreachable: the last try returns or raises")

    async def _chunks(self, server: LlamaServer, body: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        url = f"{server.url}/v1/chat/completions"
        async with self._client.stream("POST", url, json=body, headers=_headers(server)) as response:
            if response.status_code >= BAD_REQUEST:
                raise _refusal(response.status_code, await response.aread())
            async for line in response.aiter_lines():
                if line.startswith("error:") or (line.startswith("data:") and '"error"' in line[:20]):
                    raise _refusal(SERVER_ERROR, line.partition(":")[2].encode())
                if line.startswith("data:") and line[5:].strip() != DONE:
                    yield json.loads(line[5:])


def _headers(server: LlamaServer) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.key}"}


def _reason(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__


def _refusal(status: int, content: bytes) -> ServingError:
    try:
        value = json.loads(content)
        detail = value.get("error", value)
    except ValueError:
        detail = {"message": content.decode(errors="replace")[:500]}
    if detail.get("type") == "exceed_context_size_error":
        return PromptTooLong(tokens=detail.get("n_prompt_tokens"), limit=detail.get("n_ctx"), param="messages")
    message = str(detail.get("message", detail))
    return EngineBroken(detail=message) if status >= SERVER_ERROR else ServingError(detail=message)


def _completion(found: dict[str, Any], model: str, *, asked: bool) -> dict[str, Any]:
    read, written = int(found["tokens_evaluated"]), int(found["tokens_predicted"])
    choice = {
        "index": 0,
        "text": found["content"],
        "tokens": found.get("tokens", []),
        "finish_reason": "length" if found.get("stop_type") == "limit" else "stop",
        "logprobs": _logprobs(found.get("completion_probabilities", [])) if asked else None,
    }
    return {
        "id": f"cmpl-{uuid.uuid4().hex}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": model,
        "choices": [choice],
        "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written},
        "timings": found.get("timings"),
    }


def _logprobs(content: list[dict[str, Any]]) -> dict[str, Any]:
    """OpenAI's lists, and ``content`` with token ids, because two tokens may print alike."""
    return {
        "tokens": [item["token"] for item in content],
        "token_logprobs": [item["logprob"] for item in content],
        "top_logprobs": [{top["token"]: top["logprob"] for top in item["top_logprobs"]} for item in content],
        "content": content,
    }
