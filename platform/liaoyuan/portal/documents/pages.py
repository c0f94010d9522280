"""What one page of a document shows: its picture or its blocks, the chunks beside it, and what is highlighted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from liaoyuan.errors import NotFound
from liaoyuan.knowledge.context import edit_marks
from liaoyuan.knowledge.edits.selectors import live_chunks
from liaoyuan.knowledge.models import Chunk, Collection, Document, DocumentVersion
from liaoyuan.knowledge.pages.errors import DocumentErased
from liaoyuan.knowledge.pages.images import drawable
from liaoyuan.knowledge.pages.leaves import Hit, Leaves
from liaoyuan.knowledge.pages.places import Place, quote_place
from liaoyuan.knowledge.parse.blocks import Block, BlockType
from liaoyuan.knowledge.parse.kinds import MEDIA_TYPES
from liaoyuan.knowledge.places import line_boxes
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.knowledge.selectors import parsed_document
from liaoyuan.portal.addresses import number_of, uuid_of
from liaoyuan.portal.documents import listing
from liaoyuan.portal.documents.selectors import Flag, flags_of

KINDS: Final[dict[str, Any]] = {
    "heading": _("heading"),
    "paragraph": _("paragraph"),
    "list": _("list"),
    "table": _("table"),
    "code": _("code"),
    "caption": _("caption"),
    "figure": _("figure"),
    "formula": _("formula"),
    "section": _("section"),
    "clause": _("clause"),
}
FORMATS: Final = {media_type: kind for kind, media_type in MEDIA_TYPES.items()}
_DEEPEST_HEADING: Final = 6
# A box that hugs its text hides the ink it points to.
_MARGIN: Final = 2.0
# page, x0, y0, x1, y1
_LINE: Final = 5


@dataclass(frozen=True)
class Box:
    """The place of a block on the page's picture, in points from the top left."""

    block: int
    x: float
    y: float
    width: float
    height: float
    marked: bool


@dataclass(frozen=True)
class Edited:
    """A person changed the quote's chunk; ``literal``: the quote itself still stands in the document."""

    author: str
    at: datetime
    literal: bool


@dataclass(frozen=True)
class BlockView:
    """One block as HTML draws it; ``parts`` are (text, is it the quote)."""

    number: int
    kind: str
    level: int
    parts: Sequence[tuple[str, bool]]
    table: Sequence[Sequence[str]]
    marked: bool


@dataclass(frozen=True)
class ChunkView:
    """One chunk that stands (in part) on this page; ``blocks`` are the numbers of its blocks."""

    id: UUID
    number: int
    kind: Any
    text: str
    locator: str
    heading_path: Sequence[str]
    blocks: Sequence[int]
    marked: bool
    enabled: bool
    origin: str


@dataclass(frozen=True)
class VersionLink:
    """One version of the document in its list."""

    id: UUID
    label: str
    number: int
    badge: str
    state: Any
    effective_from: date | None
    effective_to: date | None
    received: datetime
    reason: str
    current: bool


@dataclass(frozen=True)
class Leaf:
    """One page (or leaf) of one version, with everything on it."""

    version: DocumentVersion
    number: int
    count: int
    paged: bool
    drawn: bool
    ocr: bool
    width: float
    height: float
    boxes: Sequence[Box]
    blocks: Sequence[BlockView]
    chunks: Sequence[ChunkView]
    place: Place
    edit: Edited | None = None
    # The lines of the quote, closer than the boxes of its blocks.
    lines: Sequence[Box] = ()

    @property
    def previous(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def next(self) -> int | None:
        return self.number + 1 if self.number < self.count else None


@dataclass(frozen=True)
class DocumentPage:
    """A document with one leaf of one version. ``leaf`` is None where the version could not be read."""

    document: Document
    collection: Collection
    version: DocumentVersion
    state: tuple[str, str, Any]
    reason: str
    versions: Sequence[VersionLink]
    flags: Sequence[Flag]
    leaf: Leaf | None
    q: str
    hits: Sequence[Hit]

    @property
    def format(self) -> str:
        """What people call the kind of its file: PDF, DOCX, Markdown."""
        kind = FORMATS.get(self.version.media_type, "")
        return kind.title() if kind in ("text", "markdown", "image") else kind.upper()


@dataclass(frozen=True)
class Wanted:
    """What an address asks for; numbers that are none are left out."""

    version: UUID | None = None
    page: int | None = None
    block: int | None = None
    chunk: UUID | None = None
    quote: str = ""
    q: str = ""

    @classmethod
    def of(cls, query: Any) -> "Wanted":
        """Raises NotFound for a version or chunk that is no identifier."""
        return cls(
            version=uuid_of(query.get("version", "")),
            page=number_of(query.get("page", "")),
            block=number_of(query.get("block", "")),
            chunk=uuid_of(query.get("chunk", "")),
            q=query.get("q", "").replace("\x00", "").strip()[:100],
        )


def document_page(document_id: UUID, wanted: Wanted, language: str) -> DocumentPage:
    """Raises NotFound for a document that the reader may not see, DocumentErased for one that is gone."""
    version = version_for(document_id, wanted.version)
    document = version.document
    leaves = leaves_of(version)
    place = _place(version, leaves, wanted) if leaves else None
    importing = listing.imports_open(document.collection).exists()
    return DocumentPage(
        document=document,
        collection=document.collection,
        version=version,
        state=listing.state_of(version, importing=importing),
        reason=str(version.error.get(language, "")),
        versions=_versions(version, language, importing=importing),
        flags=flags_of(version),
        leaf=leaf_view(version, leaves, place, wanted.quote) if leaves and place else None,
        q=wanted.q,
        hits=leaves.find(wanted.q) if leaves and wanted.q else (),
    )


def version_for(document_id: UUID, version_id: UUID | None) -> DocumentVersion:
    """The version asked for, else the one in force, else the newest that the reader may see.

    Raises NotFound, DocumentErased.
    """
    readable = versions_readable().select_related("document__collection").filter(document_id=document_id)
    if version_id is not None:
        found = readable.filter(id=version_id).first()
    else:
        heads = listing.heads().select_related("document__collection").filter(document_id=document_id)
        found = heads.filter(listing.IN_STATE[listing.READY] | listing.IN_STATE[listing.PARTIAL]).first()
        found = found or readable.exclude(blocks_key="").order_by("-number").first()
        found = found or readable.order_by("-number").first()
    if found is not None:
        return found
    erased = (
        Document.objects.filter(id=document_id, erased_at__isnull=False).values_list("erased_at", flat=True).first()
    )
    if erased is not None:
        raise DocumentErased(day=erased.date().isoformat())
    raise NotFound


def leaves_of(version: DocumentVersion) -> Leaves | None:
    """The version's leaves; None where nothing was read."""
    return Leaves(parsed_document(version)) if version.blocks_key else None


def leaf_view(version: DocumentVersion, leaves: Leaves, place: Place, quote: str = "") -> Leaf:
    """One leaf with the boxes, blocks and chunks on it; those of ``place`` are marked."""
    numbers = leaves.blocks(place.leaf)
    info = leaves.info(place.leaf)
    drawn = drawable(version) and info is not None and info.width > 0 and info.height > 0
    blocks = leaves.parsed.blocks
    return Leaf(
        version=version,
        number=place.leaf,
        count=leaves.count,
        paged=leaves.paged,
        drawn=drawn,
        ocr=info.ocr if info else False,
        width=info.width if info else 0.0,
        height=info.height if info else 0.0,
        boxes=[_box(number, blocks[number], place) for number in numbers if blocks[number].box] if drawn else [],
        blocks=[_block(number, blocks[number], place, quote) for number in numbers],
        chunks=_chunks(version, leaves, place),
        place=place,
    )


def quote_leaf(
    version: DocumentVersion,
    *,
    chunk_id: UUID | None,
    quote: str,
    page: int | None,
    lines: Sequence[Sequence[float]] = (),
) -> Leaf:
    """The leaf on which ``quote`` stands, with the quote marked. Raises NotFound where the version was not read.

    ``lines`` are the quote's as they were cited ([page, x0, y0, x1, y1]); without them its chunk is asked.
    """
    leaves = leaves_of(version)
    if leaves is None:
        raise NotFound
    place = quote_place(version, leaves, chunk_id=chunk_id, quote=quote, page=page or 1)
    leaf = leaf_view(version, leaves, place, quote)
    row = live_chunks(version).filter(id=chunk_id).first() if chunk_id else None
    start = row.text.find(quote) if row else -1
    if row is not None and start >= 0 and not lines:
        lines = line_boxes(row, start, start + len(quote))
    return replace(leaf, edit=_edited(row, start, quote) if row else None, lines=_lines(leaf, lines))


def _edited(row: Chunk, start: int, quote: str) -> Edited | None:
    mark = edit_marks([row]).get(str(row.id))
    literal = mark is not None and start >= 0 and mark.literal_at(start, start + len(quote), row.text)
    return Edited(mark.author, mark.at, literal) if mark else None


def _lines(leaf: Leaf, lines: Sequence[Sequence[float]]) -> list[Box]:
    """Those on this page's picture; a box hugs its line, lest it touch the next one."""
    here = [line[1:] for line in lines if leaf.drawn and len(line) == _LINE and int(line[0]) == leaf.number]
    return [Box(0, left, top, right - left, bottom - top, marked=True) for left, top, right, bottom in here]


def _place(version: DocumentVersion, leaves: Leaves, wanted: Wanted) -> Place:
    """Raises NotFound for a page or a block that the version has not."""
    try:
        if wanted.chunk is not None:
            return quote_place(version, leaves, chunk_id=wanted.chunk, quote=wanted.quote, page=wanted.page or 1)
        if wanted.block is not None:
            return Place(leaves.leaf_of(wanted.block), (wanted.block,))
        page = 1 if wanted.page is None else wanted.page
        leaves.blocks(page)
    except IndexError as error:
        raise NotFound from error
    return Place(page, ())


def _box(number: int, block: Block, place: Place) -> Box:
    left, top, right, bottom = block.box or (0.0, 0.0, 0.0, 0.0)
    return Box(
        block=number,
        x=left - _MARGIN,
        y=top - _MARGIN,
        width=right - left + 2 * _MARGIN,
        height=bottom - top + 2 * _MARGIN,
        marked=number in place.blocks,
    )


def _block(number: int, block: Block, place: Place, quote: str) -> BlockView:
    marked = number in place.blocks
    kind = block.type.value
    table = block.table if block.type is BlockType.TABLE and block.table else []
    return BlockView(
        number=number,
        kind=kind,
        level=min((block.level or 1) + 1, _DEEPEST_HEADING),
        parts=_parts(block.text, quote if marked else ""),
        table=table,
        marked=marked,
    )


def _parts(text: str, quote: str) -> list[tuple[str, bool]]:
    start = text.find(quote) if quote else -1
    if start < 0:
        return [(text, False)]
    end = start + len(quote)
    return [(part, marked) for part, marked in ((text[:start], False), (quote, True), (text[end:], False)) if part]


def _chunks(version: DocumentVersion, leaves: Leaves, place: Place) -> list[ChunkView]:
    """A chunk may begin on the page before; where there are no pages all of them have to be asked."""
    here = set(leaves.blocks(place.leaf))
    rows = live_chunks(version)
    if leaves.paged:
        rows = rows.filter(Q(page__in=(place.leaf, place.leaf - 1)) | Q(page__isnull=True))
    found = []
    for row in rows:
        blocks = list(dict.fromkeys(span[2] for span in row.spans))
        if here.intersection(blocks):
            found.append(_chunk(row, blocks, place))
    return found


def _chunk(row: Chunk, blocks: Sequence[int], place: Place) -> ChunkView:
    return ChunkView(
        id=row.id,
        number=row.ordinal + 1,
        kind=KINDS.get(row.kind, row.kind),
        text=row.text,
        locator=row.locator,
        heading_path=row.heading_path,
        blocks=blocks,
        marked=bool(set(blocks).intersection(place.blocks)),
        enabled=row.enabled,
        origin=row.origin,
    )


def _versions(current: DocumentVersion, language: str, *, importing: bool) -> list[VersionLink]:
    found = []
    for version in versions_readable().filter(document_id=current.document_id).order_by("-number")[:100]:
        _word, badge, label = listing.state_of(version, importing=importing)
        found.append(
            VersionLink(
                id=version.id,
                label=version.label,
                number=version.number,
                badge=badge,
                state=label,
                effective_from=version.effective_from,
                effective_to=version.effective_to,
                received=version.created_at,
                reason=str(version.error.get(language, "")),
                current=version.id == current.id,
            )
        )
    return found
