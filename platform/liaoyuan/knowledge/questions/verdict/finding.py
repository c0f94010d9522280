"""What a verdict says: a cause, a sentence, the evidence for it, and where to mend it."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID


class Cause(StrEnum):
    """The link of the chain that broke, in the order in which it is asked."""

    MISSING = "missing"
    PARSE = "parse"
    CHUNK = "chunk"
    STALE = "stale"
    RETRIEVE = "retrieve"
    RERANK = "rerank"
    GENERATE = "generate"
    FINE = "fine"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of evidence: what it is (``kind``), the words or numbers, and the place that they stand at.

    Kinds: expected, searched, near, file_text, rejected, reread, misread, disabled, cut, left_out, outside, version,
    draft, legs, rights, above, features, context, answer, abstained, contradiction, quoted, now.
    """

    kind: str
    text: str = ""
    document: str = ""
    document_id: str = ""
    version_id: str = ""
    chunk_id: str = ""
    page: int | None = None
    numbers: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mend:
    """Where it is mended: a portal address by name, with its object, and a query."""

    screen: str
    id: str
    query: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One cause with its proof. ``zh`` and ``en`` say it in a sentence each."""

    cause: Cause
    zh: str
    en: str
    question: str
    findings: tuple[Finding, ...] = ()
    mend: tuple[Mend, ...] = ()
    answer: str = ""
    expected: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return asdict(self) | {"cause": self.cause.value}


def mend(screen: str, identifier: UUID | str, **query: str) -> Mend:
    """A place to mend something."""
    return Mend(screen, str(identifier), query)
