"""A citation at its place: the page or part of the document on which the quote stands, or why it cannot be shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from liaoyuan.deployment.models import ConversationTurn
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.pages.errors import DocumentErased
from liaoyuan.portal.chat.selectors import CITED, citation_of
from liaoyuan.portal.documents.pages import Leaf, quote_leaf, version_for
from liaoyuan.portal.door import language


@dataclass(frozen=True)
class Evidence:
    """One citation. ``sentence`` says why there is nothing to show; else ``leaf`` and ``address`` are there."""

    number: int
    kind: str
    citation: Mapping[str, Any]
    leaf: Leaf | None = None
    address: str = ""
    sentence: str = ""
    others: tuple[tuple[int, str], ...] = ()


def evidence_of(turn: ConversationTurn, kind: str, number: int) -> Evidence:
    """Raises NotFound where the answer has no such citation, or the reader may not read its document (any more)."""
    citation = citation_of(turn, kind, number)
    listed = turn.answer.get("citations" if kind == CITED else "nearest", [])
    others = tuple((n, reverse("chat_source", args=[turn.id, kind, n])) for n in range(1, len(listed) + 1))
    known = {"document": citation.get("document", "")}
    try:
        version = version_for(UUID(str(citation["document_id"])), UUID(str(citation["document_version_id"])))
        quote, page = str(citation.get("quote", "")), citation.get("page")
        lines = citation.get("boxes") or ()
        leaf = quote_leaf(version, chunk_id=_chunk(citation), quote=quote, page=page, lines=lines)
    except DocumentErased as error:
        return Evidence(number, kind, known, sentence=error.sentence(language()), others=others)
    except NotFound:
        sentence = _("This document is not here any more, or you may not read it.")
        return Evidence(number, kind, {}, sentence=sentence, others=others)
    return Evidence(number, kind, citation, leaf=leaf, address=_address(leaf), others=others)


def _address(leaf: Leaf) -> str:
    """The document's own page at this place."""
    where = {"block": leaf.place.blocks[0]} if leaf.place.blocks else {"page": leaf.number}
    page = reverse("document", args=[leaf.version.document_id])
    return f"{page}?{urlencode({'version': leaf.version.id} | where)}"


def _chunk(citation: Mapping[str, Any]) -> UUID | None:
    return UUID(str(citation["chunk_id"])) if citation.get("chunk_id") else None
