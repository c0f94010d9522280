"""What a collection may be told: its embedding model, how it is cut, read and searched. And which models there are.

``CollectionSettings`` stands as JSON in ``Collection.settings``; the part that an index was built with stands in
``SearchIndex.settings`` as well. Nothing here needs Django: the operator's settings use the same types.
"""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from liaoyuan.errors import LiaoyuanError

DEFAULT_EMBEDDER: Final = "multilingual-e5-small"
# pgvector indexes halfvec up to here.
MOST_DIMENSIONS: Final = 4000
LEAST_TARGET, MOST_TARGET = 40, 4000
LEAST_LIMIT, MOST_LIMIT = 64, 8000
MOST_CONTEXT: Final = 40_000
_STRICT = ConfigDict(extra="forbid", frozen=True)


class SettingsInvalid(LiaoyuanError):
    """``field`` is the dotted path in :class:`CollectionSettings`."""

    code = "settings_invalid"
    zh = "设置“{field}”不正确：{detail}"
    en = "The setting “{field}” is not valid: {detail}"
    status = 422


class EmbeddingEndpoint(BaseModel):
    """One OpenAI-compatible embedding service that the operator configured (``LIAOYUAN_EMBEDDERS``, a JSON list).

    ``url`` ends before ``/embeddings``. ``tokenizer`` is ``xlm-roberta`` (built in: bge-m3, multilingual-e5-…), the
    path of a ``tokenizer.json``, or ``estimate``: an upper bound from the letters, which cuts chunks a little shorter.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,79}$")]
    url: str
    model: Annotated[str, Field(min_length=1, max_length=200)]
    dimensions: Annotated[int, Field(ge=16, le=MOST_DIMENSIONS)]
    query_prefix: Annotated[str, Field(max_length=400)] = ""
    passage_prefix: Annotated[str, Field(max_length=400)] = ""
    token_limit: Annotated[int, Field(ge=64, le=131_072)] = 512
    tokenizer: Annotated[str, Field(min_length=1)] = "estimate"
    batch: Annotated[int, Field(ge=1, le=512)] = 32
    # Some models give fewer dimensions when they are asked to.
    ask_dimensions: bool = False
    key: SecretStr = SecretStr("")
    key_file: Path | None = None

    @field_validator("url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("url must be an http:// or https:// address that ends before /embeddings")
        if parts.username or parts.password:
            raise ValueError("the url must not hold a password: use key_file")
        return value.rstrip("/").removesuffix("/embeddings")

    @field_validator("name")
    @classmethod
    def _not_the_default(cls, value: str) -> str:
        if value == DEFAULT_EMBEDDER:
            raise ValueError(f"{DEFAULT_EMBEDDER} is the built-in model: choose another name")
        return value

    @cached_property
    def secret(self) -> str:
        """The key, from ``key_file`` where that is given; the file is read when it is first needed."""
        if self.key_file is not None:
            return self.key_file.read_text(encoding="utf-8").strip()
        return self.key.get_secret_value()


class ChunkingSettings(BaseModel):
    """In tokens of the collection's own embedding model. ``limit`` 0 means: all that the model reads at once."""

    model_config = _STRICT

    target: Annotated[int, Field(ge=LEAST_TARGET, le=MOST_TARGET)] = 220
    limit: Annotated[int, Field(ge=0, le=MOST_LIMIT)] = 0

    @model_validator(mode="after")
    def _target_fits(self) -> "ChunkingSettings":
        if self.limit and self.limit < LEAST_LIMIT:
            raise ValueError(f"limit: 0 (all that the model reads) or at least {LEAST_LIMIT} tokens")
        if self.limit and self.target > self.limit:
            raise ValueError(f"target: at most the limit, which is {self.limit} tokens")
        return self


class ParserSettings(BaseModel):
    """``ocr``: only where the text layer is missing or broken, on every page, or never. ``pages`` is read at most."""

    model_config = _STRICT

    ocr: Literal["auto", "always", "never"] = "auto"
    pages: Annotated[int, Field(ge=1, le=20_000)] = 3000


class RetrievalSettings(BaseModel):
    """How a question is searched: what each leg counts, how many go to the reranker, and which one that is.

    ``reranker`` is ``fusion`` (the platform's own features), ``none`` (reciprocal ranks alone) or the name of a
    cross-encoder that the operator configured.
    """

    model_config = _STRICT

    candidates: Annotated[int, Field(ge=5, le=500)] = 50
    vector_weight: Annotated[float, Field(ge=0, le=10)] = 1.0
    lexical_weight: Annotated[float, Field(ge=0, le=10)] = 1.0
    reranker: Annotated[str, Field(min_length=1, max_length=80)] = "fusion"
    # Whether the question is compared with the sentences of the best passages too: by the built-in model, whoever
    # embeds (an endpoint is asked once more for each question), or not at all.
    sentences: Literal["auto", "always", "never"] = "auto"
    # The fusion's weights learned on this collection's own questions; none: those that the platform brings.
    learned: dict[str, float] | None = None
    # Where the cross-encoder is silent: the fusion instead, noted in the trace. Else the question fails, saying why.
    fallback: bool = False
    # Characters that a writing model reads for one answer: what is cited, widened below the same heading.
    context: Annotated[int, Field(ge=0, le=MOST_CONTEXT)] = 1600

    @model_validator(mode="after")
    def _one_leg_counts(self) -> "RetrievalSettings":
        if not self.vector_weight and not self.lexical_weight:
            raise ValueError("vector_weight: give at least one of the two legs a weight above 0")
        return self


class CollectionSettings(BaseModel):
    """Everything a collection may be told."""

    model_config = _STRICT

    embedder: Annotated[str, Field(min_length=1, max_length=120)] = DEFAULT_EMBEDDER
    chunking: ChunkingSettings = ChunkingSettings()
    parser: ParserSettings = ParserSettings()
    retrieval: RetrievalSettings = RetrievalSettings()

    @property
    def index(self) -> dict[str, Any]:
        """The part that an index is built by: another value of it needs another generation."""
        return self.model_dump(include={"embedder", "chunking", "parser"})


def settings_read(values: Mapping[str, Any]) -> CollectionSettings:
    """Settings from JSON; what is left out has its default. Raises SettingsInvalid with the first thing to mend."""
    try:
        return CollectionSettings.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        message = str(first["msg"]).removeprefix("Value error, ")
        path = ".".join(str(part) for part in first["loc"])
        raise SettingsInvalid(field=path or "settings", detail=message) from error


def settings_of(stored: Mapping[str, Any]) -> CollectionSettings:
    """The settings of a row (``Collection.settings`` or ``SearchIndex.settings``), written by this or an older
    release: a key that is known no more is left out, a value that is none is its default."""
    try:
        return settings_read(stored)
    except SettingsInvalid:
        found = CollectionSettings()
        for name in CollectionSettings.model_fields:
            if name in stored:
                found = _with(found, name, stored[name])
        return found


def _with(settings: CollectionSettings, name: str, value: Any) -> CollectionSettings:
    try:
        return settings_read(settings.model_dump() | {name: value})
    except SettingsInvalid:
        return settings
