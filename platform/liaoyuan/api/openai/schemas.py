"""What a chat request may say. Sampling parameters of OpenAI's clients are accepted and do nothing: answers come from
the documents, and how they are made is the deployed bundle's choice.
"""

from datetime import date
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from liaoyuan.api.openai.errors import QuestionMissing, RequestInvalid

LONGEST_CONTENT = 200_000
MOST_MESSAGES = 500


class TextPart(BaseModel):
    """One piece of a message; only text can be asked."""

    model_config = ConfigDict(extra="ignore")
    type: Literal["text"]
    text: Annotated[str, Field(max_length=LONGEST_CONTENT)]


class ChatMessage(BaseModel):
    """One turn."""

    model_config = ConfigDict(extra="ignore")
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Annotated[str, Field(max_length=LONGEST_CONTENT)] | list[TextPart] | None = None

    @property
    def text(self) -> str:
        """The message's words, parts joined by line breaks."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""


class StreamOptions(BaseModel):
    """``include_usage``: a last chunk with the token counts."""

    model_config = ConfigDict(extra="ignore")
    include_usage: bool = False


class ChatRequest(BaseModel):
    """The body of ``POST /v1/chat/completions``. Ours are ``mode``: how to answer, against the scenario's choice; and
    ``follow_ups``: whether to look for what may be asked next, which takes a moment after the answer."""

    model_config = ConfigDict(extra="ignore")
    model: Annotated[str, Field(min_length=1, max_length=200)]
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MOST_MESSAGES)]
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: Annotated[int, Field(ge=1, le=1)] | None = None
    mode: Literal["extractive", "generative"] | None = None
    follow_ups: bool = True

    @property
    def question(self) -> str:
        """The last user message. Raises QuestionMissing where there is none."""
        asked = next((message.text for message in reversed(self.messages) if message.role == "user"), "").strip()
        if not asked:
            raise QuestionMissing(param="messages")
        return asked

    @property
    def history(self) -> list[tuple[str, str]]:
        """The questions before the last one, oldest first, each with what was answered."""
        said: list[tuple[str, str]] = []
        for message in self.messages:
            if message.role == "user":
                said.append((message.text.strip(), ""))
            elif message.role == "assistant" and said:
                said[-1] = (said[-1][0], message.text)
        return [turn for turn in said[:-1] if turn[0]]

    @property
    def include_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage


class RetrieveRequest(BaseModel):
    """The body of ``POST /v1/retrieve``: where to search is named by one of collection, solution and model."""

    model_config = ConfigDict(extra="forbid")
    query: Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]
    collection: UUID | None = None
    solution: UUID | None = None
    model: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    k: Annotated[int, Field(ge=1, le=50)] = 10
    day: date | None = None
    # Only these documents; only what scores as much; and another way to search than the collection's own.
    documents: Annotated[list[UUID] | None, Field(min_length=1, max_length=200)] = None
    least_score: float | None = None
    candidates: Annotated[int | None, Field(ge=5, le=500)] = None
    vector_weight: Annotated[float | None, Field(ge=0, le=10)] = None
    lexical_weight: Annotated[float | None, Field(ge=0, le=10)] = None
    reranker: Annotated[str | None, Field(min_length=1, max_length=80)] = None

    @property
    def changed(self) -> dict[str, Any]:
        """The settings that were given."""
        return self.model_dump(include={"candidates", "vector_weight", "lexical_weight", "reranker"}, exclude_none=True)

    @model_validator(mode="after")
    def _one_leg(self) -> "RetrieveRequest":
        if self.vector_weight == 0 and self.lexical_weight == 0:
            raise ValueError("give at least one of vector_weight and lexical_weight a value above 0")
        return self

    @model_validator(mode="after")
    def _one_place(self) -> "RetrieveRequest":
        if sum(place is not None for place in (self.collection, self.solution, self.model)) != 1:
            raise ValueError("name one of collection, solution and model")
        return self


EmbeddingText = Annotated[str, Field(min_length=1, max_length=20_000)]


class EmbeddingsRequest(BaseModel):
    """The body of ``POST /v1/embeddings``. ``input_type`` is ours: questions and passages embed differently."""

    model_config = ConfigDict(extra="ignore")
    model: Annotated[str, Field(min_length=1, max_length=200)]
    input: EmbeddingText | Annotated[list[EmbeddingText], Field(min_length=1, max_length=256)]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Literal[384] | None = None
    input_type: Literal["query", "passage"] = "passage"

    @property
    def texts(self) -> list[str]:
        """The inputs as a list."""
        return [self.input] if isinstance(self.input, str) else self.input


Request = TypeVar("Request", bound=BaseModel)


def request_read(kind: type[Request], body: bytes) -> Request:
    """The request in ``body``. Raises RequestInvalid, naming the field."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first: Any = error.errors(include_url=False, include_context=False, include_input=False)[0]
        param = ".".join(str(part) for part in first["loc"]) or None
        raise RequestInvalid(detail=f"{param or 'body'}: {first['msg']}", param=param) from None
