"""One cross-encoder that the operator configured. Nothing here needs Django: the operator's settings use the type."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

RESERVED = frozenset({"fusion", "none"})


class RerankEndpoint(BaseModel):
    """One service of ``LIAOYUAN_RERANKERS`` (a JSON list).

    ``url`` ends before ``/rerank``. ``style`` is how it is spoken to: ``tei`` (texts) or ``cohere`` (documents; also
    Jina, vLLM, Xinference).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,79}$")]
    url: str
    style: Literal["tei", "cohere"] = "tei"
    model: Annotated[str, Field(max_length=200)] = ""
    batch: Annotated[int, Field(ge=1, le=512)] = 32
    timeout_seconds: Annotated[float, Field(gt=0, le=120)] = 10.0
    key: SecretStr = SecretStr("")
    key_file: Path | None = None

    @field_validator("name")
    @classmethod
    def _not_reserved(cls, value: str) -> str:
        if value in RESERVED:
            raise ValueError(f"{value} is built in: choose another name")
        return value

    @field_validator("url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("url must be an http:// or https:// address that ends before /rerank")
        if parts.username or parts.password:
            raise ValueError("the url must not hold a password: use key_file")
        return value.rstrip("/").removesuffix("/rerank")

    @cached_property
    def secret(self) -> str:
        """The key, from ``key_file`` where that is given."""
        if self.key_file is not None:
            return self.key_file.read_text(encoding="utf-8").strip()
        return self.key.get_secret_value()

    def body(self, query: str, passages: Sequence[str]) -> dict[str, Any]:
        """The request in the service's own words."""
        if self.style == "tei":
            return {"query": query, "texts": list(passages), "raw_scores": False, "truncate": True}
        return {"model": self.model, "query": query, "documents": list(passages), "top_n": len(passages)}
