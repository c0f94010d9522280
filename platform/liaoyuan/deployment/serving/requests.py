"""What clients may ask for, checked, and the request that llama.cpp then gets."""

import json
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from liaoyuan.deployment.serving.e5 import Kind
from liaoyuan.deployment.serving.errors import NotJson, ServingError

DEFAULT_TOKENS = 512
MOST_INPUTS = 2048
MOST_LOGPROBS = 100
# Sampling options with the same name and meaning in llama.cpp.
PASSED = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "seed",
    "stop",
    "frequency_penalty",
    "presence_penalty",
    "repeat_penalty",
    "cache_prompt",
)


class _Request(BaseModel):
    # Fields that OpenAI's clients send and that change nothing here (user, metadata, …) are let through.
    model_config = ConfigDict(extra="ignore", strict=True)


AnyRequest = TypeVar("AnyRequest", bound=_Request)


class _Sampling(_Request):
    model: str | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=5)
    top_p: float | None = Field(default=None, ge=0, le=1)
    top_k: int | None = Field(default=None, ge=0)
    min_p: float | None = Field(default=None, ge=0, le=1)
    seed: int | None = Field(default=None, ge=0, lt=2**32)
    stop: str | list[str] | None = None
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    repeat_penalty: float | None = Field(default=None, gt=0, le=3)
    cache_prompt: bool = True
    n: Literal[1] | None = None

    def sampling(self) -> dict[str, Any]:
        """The options given, in llama.cpp's words."""
        return self.model_dump(include=set(PASSED), exclude_none=True)


class TextPart(_Request):
    type: Literal["text"]
    text: str


class Message(_Request):
    role: Literal["system", "user", "assistant"]
    content: str | list[TextPart]

    def plain(self) -> dict[str, str]:
        """With the parts joined: the chat template of the model takes text only."""
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return {"role": self.role, "content": text}


class StreamOptions(_Request):
    include_usage: bool = False


class ChatRequest(_Sampling):
    """POST /v1/chat/completions."""

    messages: list[Message] = Field(min_length=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    response_format: dict[str, Any] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    tools: list[Any] | None = Field(default=None, max_length=0)

    def upstream(self) -> dict[str, Any]:
        """For llama.cpp's /v1/chat/completions."""
        given = self.model_dump(
            include={"stream", "stream_options", "response_format", "logprobs", "top_logprobs"}, exclude_none=True
        )
        limit = self.max_completion_tokens or self.max_tokens or DEFAULT_TOKENS
        return self.sampling() | given | {"messages": [m.plain() for m in self.messages], "max_tokens": limit}


class CompletionRequest(_Sampling):
    """POST /v1/completions: a raw prompt (text or token ids), nothing put before it; log-probabilities."""

    prompt: str | list[int]
    logprobs: int | None = Field(default=None, ge=0, le=MOST_LOGPROBS)
    stream: Literal[False] = False

    @model_validator(mode="after")
    def _not_empty(self) -> "CompletionRequest":
        if not self.prompt:
            raise ValueError("prompt is empty")
        return self

    def upstream(self) -> dict[str, Any]:
        """For llama.cpp's own /completion, which takes token ids and returns them."""
        options = {"n_predict": self.max_tokens or DEFAULT_TOKENS, "return_tokens": True}
        return self.sampling() | options | {"prompt": self.prompt, "n_probs": self.logprobs or 0}


class EmbeddingRequest(_Request):
    """POST /v1/embeddings."""

    input: str | list[str]
    model: str
    kind: Kind = Field(default=Kind.PASSAGE, strict=False)
    encoding_format: Literal["float", "base64"] = "float"

    @model_validator(mode="after")
    def _countable(self) -> "EmbeddingRequest":
        if not 1 <= len(self.texts()) <= MOST_INPUTS or self.input == "":
            raise ValueError(f"input must hold 1 to {MOST_INPUTS} texts")
        return self

    def texts(self) -> list[str]:
        return [self.input] if isinstance(self.input, str) else self.input


class TokenizeRequest(_Request):
    """POST /tokenize: ``content`` as it is, or ``messages`` through the model's chat template."""

    content: str | None = None
    messages: list[Message] | None = None
    parse_special: bool = True

    @model_validator(mode="after")
    def _one(self) -> "TokenizeRequest":
        if (self.content is None) == (not self.messages):
            raise ValueError("give either content or messages")
        return self


class AdapterRequest(_Request):
    """POST /adapters."""

    name: str
    path: str
    sha256: str = Field(pattern="^[0-9a-fA-F]{64}$")


def request_parse(kind: type[AnyRequest], body: bytes) -> AnyRequest:
    """Read ``body``. Raises NotJson or ServingError with the first thing that is wrong."""
    try:
        value = json.loads(body)
    except ValueError as error:
        raise NotJson(detail=str(error)) from error
    if not isinstance(value, dict):
        raise NotJson(detail=f"it is a {type(value).__name__}")
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ServingError(detail=f"{where or 'body'}: {first['msg']}", param=where or None) from error
