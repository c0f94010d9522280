"""A passage, a version, a verdict: put together the same way wherever a cause is found."""

from collections.abc import Sequence
from typing import Any, Final

from liaoyuan.knowledge.identity import display_name
from liaoyuan.knowledge.models import Chunk, DocumentVersion
from liaoyuan.knowledge.questions.verdict.cases import Case
from liaoyuan.knowledge.questions.verdict.finding import Cause, Finding, Mend, Verdict

_MOST: Final = 400


def verdict(
    case: Case, cause: Cause, sentences: tuple[str, str], findings: Sequence[Finding] = (), mends: Sequence[Mend] = ()
) -> Verdict:
    """A verdict on ``case``; ``sentences`` are (zh, en)."""
    zh, en = sentences
    return Verdict(cause, zh, en, case.question, tuple(findings), tuple(mends), case.answer or "", case.literals)


def expected(case: Case) -> Finding:
    """What the answer should have said, and from where."""
    named = [place for place, _anchor in case.places if place]
    return Finding("expected", " / ".join(case.literals) or "; ".join(named), numbers={"places": named})


def of_chunk(kind: str, chunk: Chunk, **numbers: Any) -> Finding:
    """A finding that stands in a chunk."""
    return Finding(
        kind,
        chunk.text[:_MOST],
        display_name(chunk.version.document.name, chunk.title),
        str(chunk.version.document_id),
        str(chunk.version_id),
        str(chunk.id),
        chunk.page,
        {"locator": chunk.locator, "version": chunk.version.label, **numbers},
    )


def of_version(kind: str, version: DocumentVersion, text: str = "", page: int | None = None, **numbers: Any) -> Finding:
    """A finding about a version, or in its file."""
    return Finding(
        kind,
        text[:_MOST],
        display_name(version.document.name, version.title),
        str(version.document_id),
        str(version.id),
        page=page,
        numbers={"version": version.label, "state": version.state, **numbers},
    )
