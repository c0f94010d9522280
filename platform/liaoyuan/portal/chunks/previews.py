"""The page on which settings of the chunker are tried: figures, a histogram, and the chunks beside their page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from liaoyuan.errors import InvalidInput, NotFound
from liaoyuan.knowledge.chunking import TOKEN_TARGET, ChunkDraft
from liaoyuan.knowledge.indexes import live_index
from liaoyuan.knowledge.models import Collection, Document, DocumentVersion
from liaoyuan.knowledge.pages.leaves import Leaves
from liaoyuan.knowledge.pages.places import Place
from liaoyuan.knowledge.preview import Preview, chunks_preview
from liaoyuan.knowledge.settings import settings_of
from liaoyuan.portal.chunks.selectors import Wanted
from liaoyuan.portal.documents import pages
from liaoyuan.portal.documents.pages import KINDS, Leaf


@dataclass(frozen=True)
class DraftCard:
    """One chunk as it would be."""

    number: int
    kind: Any
    locator: str
    heading_path: Sequence[str]
    text: str
    tokens: int
    blocks: Sequence[int]
    enabled: bool
    origin: str


@dataclass(frozen=True)
class PreviewPage:
    """A leaf with the chunks that would stand on it. ``refused`` is why the settings cannot be; then no ``preview``."""

    document: Document
    collection: Collection
    version: DocumentVersion
    target: int
    limit: int
    preview: Preview | None
    refused: str
    leaf: Leaf
    cards: Sequence[DraftCard]
    chart: dict[str, Any]


def preview_page(
    document_id: UUID, wanted: Wanted, *, target: int | None, limit: int | None, language: str
) -> PreviewPage:
    """Raises NotFound for what the reader may not see or what was never read."""
    version = pages.version_for(document_id, wanted.version)
    leaves = pages.leaves_of(version)
    number = wanted.page or 1
    if leaves is None or not 1 <= number <= leaves.count:
        raise NotFound
    standing = settings_of(live_index(version.document.collection_id).settings).chunking
    target = standing.target if target is None else target
    limit = standing.limit if limit is None else limit
    preview, refused = None, ""
    try:
        preview = chunks_preview(version, target=target, limit=limit)
    except InvalidInput as error:
        refused = error.sentence(language)
    return PreviewPage(
        document=version.document,
        collection=version.document.collection,
        version=version,
        target=target or TOKEN_TARGET,
        limit=limit,
        preview=preview,
        refused=refused,
        leaf=pages.leaf_view(version, leaves, Place(number, ())),
        cards=_cards(preview, leaves, number) if preview else [],
        chart=_chart(preview) if preview else {},
    )


def _cards(preview: Preview, leaves: Leaves, leaf: int) -> list[DraftCard]:
    here = set(leaves.blocks(leaf))
    found, inside = [], False
    for number, (draft, tokens) in enumerate(zip(preview.drafts, preview.tokens, strict=True), start=1):
        blocks = list(dict.fromkeys(span.block for span in draft.spans))
        inside = bool(here.intersection(blocks)) if blocks else inside
        if inside:
            found.append(_card(number, draft, tokens, blocks))
    return found


def _card(number: int, draft: ChunkDraft, tokens: int, blocks: Sequence[int]) -> DraftCard:
    return DraftCard(
        number=number,
        kind=KINDS.get(draft.kind, draft.kind),
        locator=draft.locator,
        heading_path=draft.heading_path,
        text=draft.text,
        tokens=tokens,
        blocks=blocks,
        enabled=draft.enabled,
        origin=draft.origin,
    )


def _chart(preview: Preview) -> dict[str, Any]:
    return {
        "tooltip": {"trigger": "axis"},
        "legend": {"top": 0},
        "grid": {"top": 36, "left": 8, "right": 8, "bottom": 24, "containLabel": True},
        "xAxis": {
            "type": "category",
            "name": _("tokens"),
            "data": [f"{each.start}–{each.end}" for each in preview.bins],
        },
        "yAxis": {"type": "value", "name": _("chunks"), "minInterval": 1},
        "series": [
            {"type": "bar", "name": _("now"), "data": [each.now for each in preview.bins]},
            {"type": "bar", "name": _("with these settings"), "data": [each.then for each in preview.bins]},
        ],
    }
