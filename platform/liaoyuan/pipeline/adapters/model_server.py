"""HTTP client of the model server: embeddings, chat, raw completions, adapters."""

import base64
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
import numpy as np
from numpy.typing import NDArray

from liaoyuan.errors import LiaoyuanError

EMBEDDING_MODEL = "multilingual-e5-small"
DIMENSIONS = 384
BASE_MODEL = "smollm2-135m-instruct"
# One request of this many passages takes some seconds on two cores and stays far below the body limit.
EMBED_BATCH = 64
TRIES = 4
FIRST_DELAY = 0.25
UNAUTHORIZED, NOT_FOUND, SERVER_ERROR, BAD_REQUEST = 401, 404, 500, 400
TIMEOUT = httpx.Timeout(600.0, connect=5.0)
DONE = "[DONE]"

Vectors = NDArray[np.float32]
Messages = Sequence[dict[str, str]]


class ModelServerError(LiaoyuanError):
    """Base of what this client raises."""

    code = "model_server"
    zh = "模型服务出错：{detail}"
    en = "The model server failed: {detail}"
    status = 502


class ModelServerDown(ModelServerError):
    """Nobody answers, or the connection was lost before the first token."""

    code = "model_server_down"
    zh = (
        "模型服务 {url} 没有响应（{detail}）。请运行 `manage.py engines up --only model_server`，"
        "日志在 var/log/model_server.log。"
    )
    en = (
        "The model server {url} does not answer ({detail}). Start it with `manage.py engines up --only model_server`; "
        "its log is var/log/model_server.log."
    )
    retryable = True
    status = 503


class ModelServerCut(ModelServerError):
    """The connection was lost in the middle of a stream: what came so far is all there is."""

    code = "model_server_cut"
    zh = "生成在中途断开（{detail}）。请重试。"
    en = "Generation was cut in the middle ({detail}). Try again."
    retryable = True
    status = 502


class ModelServerRefused(ModelServerError):
    """The request cannot be served as it is; ``params['code']`` is the server's own code."""

    code = "model_server_refused"
    zh = "模型服务拒绝了请求：{detail}"
    en = "The model server refused the request: {detail}"
    status = 400


class ModelServerTokenWrong(ModelServerRefused):
    code = "model_server_token"
    zh = "模型服务的访问令牌不正确。请检查 LIAOYUAN_MODEL_SERVER_TOKEN 或 var/secrets/model_server_token。"
    en = "The model server's token is wrong. Check LIAOYUAN_MODEL_SERVER_TOKEN or var/secrets/model_server_token."
    status = 502


class ModelUnknown(ModelServerRefused):
    code = "model_unknown"
    zh = "{detail}"
    en = "{detail}"
    status = 404


@dataclass(frozen=True)
class ChatAnswer:
    """One finished answer; ``seconds`` is measured here, with queueing."""

    text: str
    model: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float


@dataclass(frozen=True)
class ChatDelta:
    """A piece of a streamed answer; the last one has no text but the counts."""

    text: str
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


@dataclass(frozen=True)
class Completion:
    """A raw completion; ``logprobs[i]`` are the top candidates of token i as {token id: log-probability}."""

    text: str
    tokens: list[int]
    finish_reason: str
    prompt_tokens: int
    logprobs: list[dict[int, float]]


class ModelServerClient:
    """Synchronous and thread-safe. A connection error before the first token is tried again; nothing else is."""

    dimensions: ClassVar[int] = DIMENSIONS

    def __init__(self, url: str, token: str, *, tries: int = TRIES, timeout: httpx.Timeout = TIMEOUT) -> None:
        self.url = url.rstrip("/")
        self._tries = tries
        headers = {"Authorization": f"Bearer {token}"}
        # trust_env off: a proxy in the environment must never see a loopback call.
        self._http = httpx.Client(base_url=self.url, headers=headers, timeout=timeout, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> "ModelServerClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def health(self) -> dict[str, Any]:
        """{status, base, adapters, lost, embedding, context, slots, uptime}."""
        return self._json("GET", "/health")

    def models(self) -> list[str]:
        """Every name that ``model`` may have: base, adapters, embedding model."""
        return [str(item["id"]) for item in self._json("GET", "/v1/models")["data"]]

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Shape (n, 384), float32, rows of length 1."""
        return self._embed(texts, "query")

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        """As queries, read by weights that learned how people ask: for searching passages, not for comparing queries.
        Shape (n, 384), float32, rows of length 1."""
        return self._embed(texts, "question")

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Shape (n, 384), float32, rows of length 1."""
        return self._embed(texts, "passage")

    def chat(
        self,
        messages: Messages,
        *,
        model: str = BASE_MODEL,
        max_tokens: int = 512,
        temperature: float = 0.0,
        seed: int = 0,
        **options: Any,
    ) -> ChatAnswer:
        """The whole answer. ``options`` are further OpenAI fields (stop, top_p, response_format, …)."""
        began = time.monotonic()
        body = _chat_body(messages, model, max_tokens, temperature, seed, options)
        answer = self._json("POST", "/v1/chat/completions", body)
        choice, usage = answer["choices"][0], answer["usage"]
        return ChatAnswer(
            text=choice["message"].get("content") or "",
            model=answer["model"],
            finish_reason=choice["finish_reason"],
            prompt_tokens=usage["prompt_tokens"],
            completion_tokens=usage["completion_tokens"],
            seconds=time.monotonic() - began,
        )

    def chat_stream(
        self,
        messages: Messages,
        *,
        model: str = BASE_MODEL,
        max_tokens: int = 512,
        temperature: float = 0.0,
        seed: int = 0,
        **options: Any,
    ) -> Iterator[ChatDelta]:
        """The answer as it is written. Closing the iterator ends generation. Raises ModelServerCut in the middle."""
        body = _chat_body(messages, model, max_tokens, temperature, seed, options)
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        for attempt in range(1, self._tries + 1):
            sent = False
            try:
                for delta in self._deltas(body):
                    sent = True
                    yield delta
            except httpx.TransportError as error:
                if sent:
                    raise ModelServerCut(detail=_reason(error)) from error
                self._again(attempt, error)
            else:
                return

    def complete(
        self,
        prompt: str | Sequence[int],
        *,
        model: str = BASE_MODEL,
        max_tokens: int = 64,
        temperature: float = 0.0,
        seed: int = 0,
        logprobs: int | None = None,
        cache_prompt: bool = True,
        stop: list[str] | None = None,
    ) -> Completion:
        """Continue ``prompt`` (text or token ids) as it is: no template and no token is put before it."""
        body: dict[str, Any] = {
            "prompt": prompt if isinstance(prompt, str) else list(prompt),
            "model": model,
            "max_tokens": max_tokens,
            "temperature": temperature,
            "seed": seed,
            "cache_prompt": cache_prompt,
        }
        optional = {"logprobs": logprobs, "stop": stop}
        body |= {key: value for key, value in optional.items() if value is not None}
        answer = self._json("POST", "/v1/completions", body)
        choice = answer["choices"][0]
        content = (choice["logprobs"] or {}).get("content", [])
        return Completion(
            text=choice["text"],
            tokens=choice["tokens"],
            finish_reason=choice["finish_reason"],
            prompt_tokens=answer["usage"]["prompt_tokens"],
            logprobs=[{top["id"]: top["logprob"] for top in item["top_logprobs"]} for item in content],
        )

    def first_token_logprobs(
        self, prompt_ids: Sequence[int], *, model: str = BASE_MODEL, top: int = 20
    ) -> dict[int, float]:
        """{token id: log-probability} of the ``top`` candidates for the next token (softmax over all tokens).

        The prompt is read afresh, because a cached prefix may differ in the last bits.
        """
        done = self.complete(prompt_ids, model=model, max_tokens=1, logprobs=top, cache_prompt=False)
        return done.logprobs[0]

    def tokenize(self, content: str, *, parse_special: bool = True) -> list[int]:
        """Token ids of ``content``, without a beginning-of-text token."""
        return list(self._json("POST", "/tokenize", {"content": content, "parse_special": parse_special})["tokens"])

    def chat_prompt(self, messages: Messages) -> tuple[str, list[int]]:
        """The prompt that :meth:`chat` makes of ``messages`` by the model's template, and its token ids."""
        answer = self._json("POST", "/tokenize", {"messages": list(messages)})
        return answer["prompt"], list(answer["tokens"])

    def adapter_load(self, name: str, path: Path | str, sha256: str) -> dict[str, Any]:
        """Serve the LoRA GGUF at ``path`` as model ``name``. The same name and content again change nothing."""
        body = {"name": name, "path": str(path), "sha256": sha256}
        return self._json("POST", "/adapters", body)

    def adapter_remove(self, name: str) -> None:
        """No longer serve ``name``. Raises ModelUnknown."""
        self._json("DELETE", f"/adapters/{quote(name, safe='')}")

    def adapters(self) -> list[dict[str, str]]:
        """[{name, sha256, path}]."""
        return list(self._json("GET", "/adapters")["adapters"])

    def _embed(self, texts: Sequence[str], kind: str) -> Vectors:
        parts = [np.empty((0, DIMENSIONS), dtype=np.float32)]
        for start in range(0, len(texts), EMBED_BATCH):
            batch = list(texts[start : start + EMBED_BATCH])
            body = {"input": batch, "model": EMBEDDING_MODEL, "kind": kind, "encoding_format": "base64"}
            rows = self._json("POST", "/v1/embeddings", body)["data"]
            data = b"".join(base64.b64decode(row["embedding"]) for row in rows)
            parts.append(np.frombuffer(data, dtype=np.float32).reshape(len(batch), DIMENSIONS))
        return np.concatenate(parts)

    def _json(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        attempt = 0
        while True:
            attempt += 1
            try:
                response = self._http.request(method, path, json=body)
            except httpx.TransportError as error:
                self._again(attempt, error)
            else:
                if response.status_code >= BAD_REQUEST:
                    raise _refusal(response.status_code, response.content)
                answer: dict[str, Any] = response.json()
                return answer

    def _deltas(self, body: dict[str, Any]) -> Iterator[ChatDelta]:
        with self._http.stream("POST", "/v1/chat/completions", json=body) as response:
            if response.status_code >= BAD_REQUEST:
                raise _refusal(response.status_code, response.read())
            for line in response.iter_lines():
                data = line.removeprefix("data:").strip()
                if not line.startswith("data:") or data == DONE:
                    continue
                chunk = json.loads(data)
                if "error" in chunk:
                    raise ModelServerCut(detail=chunk["error"]["message"])
                yield _delta(chunk)

    def _again(self, attempt: int, error: httpx.TransportError) -> None:
        """Wait before the next try, or raise ModelServerDown when there is none."""
        if attempt >= self._tries or isinstance(error, httpx.ReadTimeout):
            raise ModelServerDown(url=self.url, detail=_reason(error)) from error
        time.sleep(FIRST_DELAY * 2 ** (attempt - 1))


def _chat_body(
    messages: Messages, model: str, max_tokens: int, temperature: float, seed: int, options: dict[str, Any]
) -> dict[str, Any]:
    sampling = {"max_tokens": max_tokens, "temperature": temperature, "seed": seed}
    return {"messages": list(messages), "model": model} | sampling | options


def _delta(chunk: dict[str, Any]) -> ChatDelta:
    choices, usage = chunk.get("choices") or [{}], chunk.get("usage") or {}
    return ChatDelta(
        text=(choices[0].get("delta") or {}).get("content") or "",
        finish_reason=choices[0].get("finish_reason"),
        prompt_tokens=usage.get("prompt_tokens"),
        completion_tokens=usage.get("completion_tokens"),
    )


def _refusal(status: int, content: bytes) -> ModelServerError:
    try:
        error = json.loads(content)["error"]
    except (ValueError, KeyError, TypeError):
        error = {"message": content.decode(errors="replace")[:500], "code": str(status)}
    kinds: dict[int, type[ModelServerError]] = {UNAUTHORIZED: ModelServerTokenWrong, NOT_FOUND: ModelUnknown}
    general = ModelServerError if status >= SERVER_ERROR else ModelServerRefused
    return kinds.get(status, general)(detail=error["message"], code=error.get("code"))


def _reason(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__
