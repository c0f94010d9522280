"""Where expected words stand: in what is searched, in what is not, in the parsed blocks, in the file itself."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from typing import Final
from uuid import UUID

from django.db.models import F, Func, Q, QuerySet, TextField, Value
from django.db.models.functions import Lower

from liaoyuan.knowledge.evaluate import is_place
from liaoyuan.knowledge.indexes import live_index
from liaoyuan.knowledge.models import PUBLISHED, Chunk, DocumentVersion
from liaoyuan.knowledge.parse.blocks import ParsedDocument
from liaoyuan.knowledge.questions.verdict.cases import Case, Place
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.knowledge.selectors import in_force_on, parsed_document
from liaoyuan.knowledge.text.normalise import squeeze
from liaoyuan.pipeline.storage import storage

_MOST: Final = 400
# A named place without words is looked for among so many chunks of the documents it names.
_MOST_OF_DOCUMENT: Final = 3000


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing to be found: words, a place, or words at a place."""

    literals: tuple[str, ...]
    place: Place | None

    def held_by(self, text: str) -> bool:
        """Whether a text holds the words; without words, whether it holds the place's own quote."""
        folded = squeeze(text)
        wanted = [squeeze(each) for each in self.words]
        return bool(wanted) and any(word in folded for word in wanted)

    @property
    def words(self) -> tuple[str, ...]:
        """The words to look for: those expected, else those of the place that was pointed at."""
        if self.literals:
            return self.literals
        anchor = self.place[1] if self.place else None
        return (anchor.quote,) if anchor is not None and anchor.quote else ()

    @property
    def document(self) -> str:
        """The document that the place names, or ""."""
        return (self.place[0] or "").partition("#")[0] if self.place else ""


def wanted_of(case: Case) -> list[Wanted]:
    """What has to be found for a case, place by place."""
    return [Wanted(case.literals, place) for place in case.places] or [Wanted(case.literals, None)]


class _Squeezed(Func):
    """The database's own :func:`squeeze`: folded, lower case, without white space."""

    function = "regexp_replace"
    output_field = TextField()

    def __init__(self, field: str) -> None:
        folded = Func(F(field), template="normalize(%(expressions)s, NFKC)", output_field=TextField())
        super().__init__(Lower(folded), Value(r"\s"), Value(""), Value("g"))


def chunks_holding(chunks: QuerySet[Chunk], wanted: Wanted) -> list[Chunk]:
    """Those of ``chunks`` that hold the words and, where one is known, are the place."""
    rows = chunks.select_related("version__document").defer("embedding", "terms")
    if wanted.words:
        holds = Q()
        for word in wanted.words:
            holds |= Q(squeezed__contains=squeeze(word))
        rows = rows.annotate(squeezed=_Squeezed("text")).filter(holds)
        found: list[Chunk] = [*rows[:_MOST]]
        at_place = [chunk for chunk in found if wanted.place is None or is_place(wanted.place, chunk)]
        if at_place or wanted.place is None or not wanted.literals:
            return list(at_place or found)
    if wanted.place is None:
        return []
    return [chunk for chunk in _of_document(chunks, wanted) if is_place(wanted.place, chunk) and _enough(chunk, wanted)]


def _enough(chunk: Chunk, wanted: Wanted) -> bool:
    return not wanted.literals or wanted.held_by(chunk.text)


def _of_document(chunks: QuerySet[Chunk], wanted: Wanted) -> Iterable[Chunk]:
    anchor = wanted.place[1] if wanted.place else None
    rows = chunks.select_related("version__document").defer("embedding", "terms")
    if anchor is not None:
        rows = rows.filter(version__document_id=UUID(anchor.document_id))
    return rows[:_MOST_OF_DOCUMENT]


def searchable(case: Case, day: date) -> QuerySet[Chunk]:
    """What a search of today reads, inside the caller's rights."""
    live = case.index_id or live_index(case.collection_id).id
    return _all(case).filter(
        Q(effective_from__isnull=True) | Q(effective_from__lte=day),
        Q(effective_to__isnull=True) | Q(effective_to__gt=day),
        index_id=live,
        enabled=True,
    )


def disabled(case: Case) -> QuerySet[Chunk]:
    """Chunks of the live index that somebody switched off."""
    live = case.index_id or live_index(case.collection_id).id
    return _all(case).filter(index_id=live, enabled=False)


def out_of_force(case: Case, day: date) -> QuerySet[Chunk]:
    """Chunks of versions that a search of that day does not read: expired, not yet in force, or never published."""
    return _all(case).filter(Q(effective_from__gt=day) | Q(effective_to__lte=day) | ~Q(version__state__in=PUBLISHED))


def _all(case: Case) -> QuerySet[Chunk]:
    return Chunk.objects.filter(collection_id=case.collection_id, version__in=versions_readable())


def versions_of(case: Case, day: date, *, in_force: bool) -> QuerySet[DocumentVersion]:
    """The readable versions with blocks that are, or are not, in force on ``day``."""
    rows = (
        versions_readable()
        .filter(document__collection_id=case.collection_id, document__erased_at__isnull=True)
        .exclude(blocks_key="")
    )
    now = in_force_on(day)
    return (rows.filter(now) if in_force else rows.exclude(now)).select_related("document").order_by("document__name")


def current_version(document_id: UUID, day: date, besides: UUID) -> DocumentVersion | None:
    """The readable version of a document that a search of that day finds, unless it is ``besides``."""
    rows = versions_readable().select_related("document").filter(in_force_on(day), document_id=document_id)
    return rows.exclude(id=besides).order_by("-number").first()


def named_first(versions: Iterable[DocumentVersion], wanted: Wanted) -> list[DocumentVersion]:
    """The versions, those of the document that the question names before all others."""
    start = squeeze(wanted.document)
    return sorted(versions, key=lambda version: not (start and _is_named(version, start)))


def _is_named(version: DocumentVersion, start: str) -> bool:
    names = (version.title, PurePosixPath(version.document.name).stem, PurePosixPath(version.file_name).stem)
    return any(squeeze(name).startswith(start) for name in names)


def documents_named(case: Case, wanted: Wanted) -> list[DocumentVersion]:
    """Every version, read or refused, of the document that the question names."""
    start = squeeze(wanted.document)
    rows = versions_readable().filter(document__collection_id=case.collection_id, document__erased_at__isnull=True)
    return [version for version in rows.select_related("document") if start and _is_named(version, start)]


@dataclass(frozen=True, slots=True)
class InBlocks:
    """Words found in the parsed blocks of a version; ``blocks`` are the numbers of those that carry them."""

    version: DocumentVersion
    blocks: tuple[int, ...]
    page: int | None
    text: str


def in_blocks(versions: Sequence[DocumentVersion], wanted: Wanted) -> Iterator[InBlocks]:
    """Where the words stand in what was parsed, also where they run from one block into the next."""
    words = [squeeze(word) for word in wanted.words]
    for version in versions:
        parsed = _parsed(version)
        if parsed is None:
            continue
        pieces = [squeeze(block.text) for block in parsed.blocks]
        joined = "".join(pieces)
        word = next((word for word in words if word and word in joined), "")
        if word:
            yield _place(version, parsed, pieces, joined.index(word), len(word))


def _place(version: DocumentVersion, parsed: ParsedDocument, pieces: Sequence[str], at: int, length: int) -> InBlocks:
    position, numbers = 0, []
    for number, piece in enumerate(pieces):
        if position < at + length and position + len(piece) > at:
            numbers.append(number)
        position += len(piece)
    text = "\n".join(parsed.blocks[number].text for number in numbers)
    return InBlocks(version, tuple(numbers), parsed.blocks[numbers[0]].page, text)


def _parsed(version: DocumentVersion) -> ParsedDocument | None:
    try:
        return parsed_document(version)
    except (OSError, ValueError, KeyError):
        # A version whose import broke off has no blocks to look into.
        return None


def blocks_text(version: DocumentVersion) -> list[tuple[int | None, str]]:
    """Page and text of every block, for near misses."""
    parsed = _parsed(version)
    return [(block.page, block.text) for block in parsed.blocks] if parsed else []


def original_of(version: DocumentVersion) -> str:
    """The path of the stored file."""
    return str(storage().open_path(version.source_key))
