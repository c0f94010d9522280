"""What the page of a document's chunks shows, ready for its templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from liaoyuan.errors import LiaoyuanError, NotFound
from liaoyuan.knowledge.context import EditMark, edit_marks
from liaoyuan.knowledge.edits.groups import chunk_tag
from liaoyuan.knowledge.edits.models import ChunkEdit
from liaoyuan.knowledge.edits.selectors import (
    EditCounts,
    LostEdit,
    chunk_history,
    edit_counts,
    live_chunks,
    lost_edits,
    parsed_texts,
)
from liaoyuan.knowledge.models import Chunk, Collection, Document, DocumentVersion
from liaoyuan.knowledge.pages.leaves import Leaves
from liaoyuan.knowledge.pages.places import Place
from liaoyuan.knowledge.text.sentences import sentences
from liaoyuan.portal.addresses import number_of, uuid_of
from liaoyuan.portal.chunks.words import ACTIONS, LOST, SHOWS
from liaoyuan.portal.documents import pages
from liaoyuan.portal.documents.pages import KINDS, Leaf

FORMS: Final = ("edit", "split", "add", "history")
MOST_SHOWN: Final = 200


@dataclass(frozen=True)
class Wanted:
    """What an address asks for. ``text`` is what somebody typed and could not save, with the reason."""

    version: UUID | None = None
    page: int | None = None
    chunk: UUID | None = None
    do: str = ""
    show: str = "all"
    lost: UUID | None = None
    text: str | None = None
    refused: LiaoyuanError | None = None

    @classmethod
    def of(cls, query: Any, **more: Any) -> "Wanted":
        """Raises NotFound for what is no identifier."""
        do, show = query.get("do", ""), query.get("show", "")
        return cls(
            version=uuid_of(query.get("version", "")),
            page=number_of(query.get("page", "")),
            chunk=uuid_of(query.get("chunk", "")),
            do=do if do in FORMS else "",
            show=show if show in SHOWS else "all",
            lost=uuid_of(query.get("lost", "")),
            **more,
        )


@dataclass(frozen=True)
class Card:
    """One chunk with its state; ``parts`` are (text, does it stand literally in the document)."""

    id: UUID
    number: str
    kind: Any
    locator: str
    heading_path: Sequence[str]
    page: int | None
    text: str
    parts: Sequence[tuple[str, bool]]
    tag: str
    enabled: bool
    origin: str
    patched: bool
    author: str
    at: datetime | None
    blocks: Sequence[int]
    current: bool


@dataclass(frozen=True)
class Cut:
    """A place where a chunk may be split: before ``position``."""

    position: int
    text: str


@dataclass(frozen=True)
class Form:
    """What is open below a chunk: its text to edit, its cuts, a new chunk behind it, or its history."""

    do: str
    card: Card
    text: str
    parsed: Sequence[str]
    cuts: Sequence[Cut]
    history: Sequence[tuple[Any, ChunkEdit]]
    lost: LostEdit | None
    refused: LiaoyuanError | None


@dataclass(frozen=True)
class Desk:
    """A leaf of a version with its chunks, and what is open."""

    document: Document
    collection: Collection
    version: DocumentVersion
    leaf: Leaf
    cards: Sequence[Card]
    counts: EditCounts
    lost: Sequence[tuple[Any, LostEdit]]
    show: str
    form: Form | None
    gone: Wanted | None


def desk(document_id: UUID, wanted: Wanted) -> Desk:
    """Raises NotFound for what the reader may not see or what was never read."""
    version = pages.version_for(document_id, wanted.version)
    leaves = pages.leaves_of(version)
    if leaves is None:
        raise NotFound
    chunk = live_chunks(version).filter(id=wanted.chunk).first() if wanted.chunk else None
    number = _leaf_number(leaves, wanted, chunk)
    blocks = tuple(dict.fromkeys(span[2] for span in chunk.spans)) if chunk else ()
    rows = _rows(version, leaves, number, wanted.show)
    marks = edit_marks(rows)
    cards = [_card(row, marks.get(str(row.id)), current=chunk is not None and row.id == chunk.id) for row in rows]
    lost = lost_edits(version)
    return Desk(
        document=version.document,
        collection=version.document.collection,
        version=version,
        leaf=pages.leaf_view(version, leaves, Place(number, blocks)),
        cards=cards,
        counts=edit_counts(version),
        lost=[(LOST.get(each.reason, each.reason), each) for each in lost],
        show=wanted.show,
        form=_form(wanted, chunk, cards, lost),
        gone=wanted if wanted.text is not None and chunk is None else None,
    )


def tags(document_id: UUID, wanted: Wanted) -> dict[str, str]:
    """The tags of the chunks that the page shows, by id: another tag means that somebody changed it."""
    version = pages.version_for(document_id, wanted.version)
    leaves = pages.leaves_of(version)
    if leaves is None:
        raise NotFound
    rows = _rows(version, leaves, _leaf_number(leaves, wanted, None), wanted.show)
    return {str(row.id): chunk_tag(row) for row in rows}


def _leaf_number(leaves: Leaves, wanted: Wanted, chunk: Chunk | None) -> int:
    if wanted.page is not None:
        if not 1 <= wanted.page <= leaves.count:
            raise NotFound
        return wanted.page
    if chunk is not None and chunk.spans:
        return leaves.leaf_of(chunk.spans[0][2])
    if chunk is not None and leaves.paged and chunk.page:
        return min(chunk.page, leaves.count)
    return 1


def _rows(version: DocumentVersion, leaves: Leaves, leaf: int, show: str) -> list[Chunk]:
    """The chunks of one leaf in reading order; one without words of the document stands behind its neighbour."""
    rows = live_chunks(version)
    if show == "edited":
        return list(rows.exclude(origin="parsed")[:MOST_SHOWN])
    if show == "disabled":
        return list(rows.filter(enabled=False)[:MOST_SHOWN])
    if leaves.paged:
        rows = rows.filter(Q(page__in=(leaf, leaf - 1)) | Q(page__isnull=True))
    here = set(leaves.blocks(leaf))
    found: list[Chunk] = []
    inside = False
    for row in rows:
        blocks = {span[2] for span in row.spans}
        inside = bool(here & blocks) if blocks else inside
        if inside:
            found.append(row)
    return found


def _card(row: Chunk, mark: EditMark | None, *, current: bool) -> Card:
    pieces = row.sub_ordinal
    return Card(
        id=row.id,
        number=f"{row.ordinal + 1}.{pieces + 1}" if pieces else str(row.ordinal + 1),
        kind=KINDS.get(row.kind, row.kind),
        locator=row.locator,
        heading_path=row.heading_path,
        page=row.page,
        text=row.text,
        parts=_parts(row.text, mark),
        tag=chunk_tag(row),
        enabled=row.enabled,
        origin=row.origin,
        patched=row.patch_id is not None,
        author=mark.author if mark else "",
        at=mark.at if mark else None,
        blocks=list(dict.fromkeys(span[2] for span in row.spans)),
        current=current,
    )


def _parts(text: str, mark: EditMark | None) -> list[tuple[str, bool]]:
    """White space between literal words is nobody's; it goes with what stands before it."""
    if mark is None:
        return [(text, True)]
    parts: list[tuple[str, bool]] = []
    position = 0
    for start, end in mark.literal:
        if text[position:start].strip():
            parts.append((text[position:start], False))
        elif start > position:
            parts.append((text[position:start], True))
        parts.append((text[start:end], True))
        position = max(position, end)
    rest = text[position:]
    return [*parts, (rest, not rest.strip())] if rest else parts


def _form(wanted: Wanted, chunk: Chunk | None, cards: Sequence[Card], lost: Sequence[LostEdit]) -> Form | None:
    card = next((each for each in cards if each.current), None)
    if chunk is None or card is None or not wanted.do:
        return None
    carried = next((each for each in lost if each.id == wanted.lost), None)
    start = "" if wanted.do == "add" else chunk.text
    if carried is not None:
        start = carried.after
    history = chunk_history(chunk)[:50] if wanted.do == "history" else []
    return Form(
        do=wanted.do,
        card=card,
        text=wanted.text if wanted.text is not None else start,
        parsed=parsed_texts(chunk) if card.patched else [],
        cuts=_cuts(chunk.text) if wanted.do == "split" else [],
        history=[(ACTIONS.get(each.action, each.action), each) for each in history],
        lost=carried,
        refused=wanted.refused,
    )


def _cuts(text: str) -> list[Cut]:
    """The sentences of a chunk, each with the place before it; the first has none."""
    return [Cut(part.start, part.of(text)) for part in sentences(text)]
