"""The parts of one trace: the steps as a waterfall, the decisions of the guardrail, the citations with their pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from liaoyuan.knowledge.models import Chunk
from liaoyuan.operations.models import TraceSpan
from liaoyuan.portal.stages.words import SIDES, VERDICTS

SPANS: Final[dict[str, Any]] = {
    "guard": _("guardrail"),
    "embed": _("embed"),
    "retrieve": _("search"),
    "rerank": _("rank"),
    "extract": _("quote"),
    "generate": _("write"),
    "ground": _("check evidence"),
}


@dataclass(frozen=True)
class Bar:
    """One span of the waterfall; ``start`` and ``width`` in thousandths of the whole."""

    name: Any
    start: int
    width: int
    seconds: float
    begins: float
    detail: str


@dataclass(frozen=True)
class Decision:
    side: Any
    action: str
    label: Any
    rules: Sequence[str]
    score: float
    policy: str


@dataclass(frozen=True)
class Cited:
    """One citation; ``address`` opens the document at its box."""

    number: int
    quote: str
    header: str
    document: str
    version: str
    locator: str
    page: int | None
    address: str


def cited(citations: Sequence[Mapping[str, Any]]) -> list[Cited]:
    """Citations with their numbers and the addresses of their pages, at the very block."""
    ids = [UUID(item["chunk_id"]) for item in citations if item.get("chunk_id")]
    chunks = {str(chunk.id): chunk for chunk in Chunk.objects.filter(id__in=ids).only("id", "text", "spans")}
    return [
        Cited(
            number=number,
            quote=item.get("quote", ""),
            header=item.get("header", ""),
            document=item.get("document", ""),
            version=item.get("version", ""),
            locator=item.get("locator", ""),
            page=item.get("page"),
            address=_address(item, chunks.get(str(item.get("chunk_id")))),
        )
        for number, item in enumerate(citations, start=1)
    ]


def bar_of(span: TraceSpan, whole: float) -> Bar:
    """One span in the waterfall of an answer that took ``whole`` seconds."""
    scale = 1000 / whole if whole else 0.0
    start = min(996, round(span.start * scale))
    detail = _detail(span.attributes)
    width = max(4, min(1000 - start, round(span.seconds * scale)))
    return Bar(SPANS.get(span.name, span.name), start, width, span.seconds, span.start, detail)


def decision_of(verdict: Mapping[str, Any]) -> Decision:
    """One verdict of the guardrail in words."""
    side, action = verdict.get("side", ""), verdict.get("action", "")
    return Decision(
        side=SIDES.get(side, side),
        action=action,
        label=VERDICTS.get(action, action),
        rules=verdict.get("rules", []),
        score=verdict.get("score", 0.0),
        policy=verdict.get("policy_version", ""),
    )


def _detail(attributes: Mapping[str, Any]) -> str:
    """A guard's side and decision in words; anything else as it was noted."""
    known = {"side": SIDES, "action": VERDICTS}
    told = [str(known[key].get(value, value)) for key, value in attributes.items() if key in known]
    rest = [
        f"{key}: {_plain(value)}"
        for key, value in attributes.items()
        if key not in known and value not in (None, "", [])
    ]
    return " · ".join([*told, *rest])


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _address(item: Mapping[str, Any], chunk: Chunk | None) -> str:
    document, version = item.get("document_id"), item.get("document_version_id")
    if not document or not version:
        return ""
    block = _block(chunk, item.get("quote", "")) if chunk else None
    places = {"page": item.get("page"), "block": block}
    query = {"version": version} | {key: value for key, value in places.items() if value is not None}
    try:
        return f"{reverse('document', args=[document])}?{urlencode(query)}"
    except NoReverseMatch:
        return ""


def _block(chunk: Chunk, quote: str) -> int | None:
    """The block in which the quote begins: ``spans`` are [start, end, block, block_start] over the chunk's text."""
    start = max(0, chunk.text.find(quote))
    return next((block for first, last, block, _begin in chunk.spans if first <= start < last), None)
