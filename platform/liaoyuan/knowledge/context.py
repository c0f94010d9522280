"""Small to find, large to read: what stands around a chunk below the same heading, and what a person changed in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from django.db.models import Q

from liaoyuan.knowledge.edits.groups import ORDER
from liaoyuan.knowledge.edits.models import ChunkPatch
from liaoyuan.knowledge.models import Chunk
from liaoyuan.knowledge.retrieve import chunks_permitted, retrieval_settings

# Characters: some six chunks of Chinese prose, a page of English.
PARENT_BUDGET: Final = 1600
# Further away nothing fits into the budget, unless chunks are as short as lines.
_REACH = 12


@dataclass(frozen=True, slots=True)
class Parent:
    """What to read in place of a chunk: ``text[start:start + len(chunk.text)]`` is the chunk itself, letter by letter.

    ``chunk_ids`` are all that it consists of, in reading order.
    """

    text: str
    start: int
    chunk_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EditMark:
    """That a person changed a chunk: who and when, and the (start, end) of what still stands literally in the
    document."""

    author: str
    at: datetime
    added: bool
    literal: tuple[tuple[int, int], ...]

    def literal_at(self, start: int, end: int, text: str) -> bool:
        """Whether the visible characters ``start``..``end`` of the chunk's ``text`` are all the document's own."""
        covered = {place for first, last in self.literal for place in range(max(first, start), min(last, end))}
        return all(place in covered for place in range(start, end) if not text[place].isspace())


def parent_of(chunk: Chunk, budget: int = PARENT_BUDGET) -> Parent:
    """The chunk with its neighbours below the same heading, up to ``budget`` characters. Inside the tenant context."""
    return expand([chunk], budget)[str(chunk.id)]


def expand(chunks: Sequence[Chunk], budget: int = PARENT_BUDGET) -> dict[str, Parent]:
    """:func:`parent_of` for many, by chunk id, in one query.

    Neighbours are of the same version and the same generation of the index, so whoever may read the chunk may read
    them; disabled ones are left out.
    """
    if not chunks:
        return {}
    near = Q()
    for chunk in chunks:
        ordinals = (max(0, chunk.ordinal - _REACH), chunk.ordinal + _REACH)
        near |= Q(version_id=chunk.version_id, index_id=chunk.index_id, ordinal__range=ordinals)
    fields = ("ordinal", "sub_ordinal", "kind", "heading_path", "locator", "text", "version_id", "index_id")
    rows = list(Chunk.objects.filter(near).filter(enabled=True).only(*fields).order_by(*ORDER))
    return {str(chunk.id): _around(chunk, rows, budget) for chunk in chunks}


def passages_read(chunks: Sequence[Chunk], budget: int) -> dict[str, str]:
    """What a model reads for each of ``chunks``, by chunk id, in their order: the chunk within its surroundings.

    All share ``budget`` alike; no chunk is cut. Surroundings that would repeat an earlier passage are left out.
    """
    wider = expand(chunks, budget // max(1, len(chunks)))
    passages: dict[str, str] = {}
    read: set[str] = set()
    for chunk in chunks:
        key, parent = str(chunk.id), wider[str(chunk.id)]
        alone = bool(read.intersection(parent.chunk_ids))
        passages[key] = chunk.text if alone else parent.text
        read.update([key] if alone else parent.chunk_ids)
    return passages


def context_of(collection_id: UUID, chunk_ids: Sequence[str], day: date | None = None) -> dict[str, str]:
    """:func:`passages_read` for cited chunks within the collection's own budget, looked up with the asker's rights.

    A chunk that is not in force any more (the index was swapped meanwhile) is missing.
    """
    rows = chunks_permitted(collection_id, chunk_ids, day)
    return passages_read([rows[key] for key in chunk_ids if key in rows], retrieval_settings(collection_id).context)


def edit_marks(chunks: Sequence[Chunk]) -> dict[str, EditMark]:
    """Those of ``chunks`` that a person changed, by chunk id; one query where there are any."""
    touched = [chunk for chunk in chunks if chunk.patch_id and chunk.origin != "parsed"]
    patches = ChunkPatch.objects.in_bulk([chunk.patch_id for chunk in touched]) if touched else {}
    return {
        str(chunk.id): EditMark(
            author=patches[chunk.patch_id].author,
            at=patches[chunk.patch_id].changed_at,
            added=chunk.origin == "added",
            literal=tuple((span[0], span[1]) for span in chunk.spans),
        )
        for chunk in touched
        if chunk.patch_id in patches
    }


def _around(chunk: Chunk, rows: Sequence[Chunk], budget: int) -> Parent:
    beside = [row for row in rows if row.version_id == chunk.version_id and row.index_id == chunk.index_id]
    at = next((number for number, row in enumerate(beside) if row.id == chunk.id), None)
    if at is None:  # a disabled chunk stands for itself
        return Parent(chunk.text, 0, (str(chunk.id),))
    first, last = _window(beside, at, budget)
    pieces = [
        _piece(row, beside[number - 1] if number > first else None, own=number == at)
        for number, row in enumerate(beside[first:last], start=first)
    ]
    start = sum(len(piece) + 1 for piece in pieces[: at - first])
    return Parent("\n".join(pieces), start, tuple(str(row.id) for row in beside[first:last]))


def _window(rows: Sequence[Chunk], at: int, budget: int) -> tuple[int, int]:
    """Grows in both directions by turns, what follows first, while the heading is the same and there is room."""
    first, last, room = at, at + 1, budget - len(rows[at].text)
    open_before = open_after = True
    while open_before or open_after:
        open_after = open_after and last < len(rows) and _joins(rows[at], rows[last], room)
        if open_after:
            room -= len(rows[last].text) + 1
            last += 1
        open_before = open_before and first > 0 and _joins(rows[at], rows[first - 1], room)
        if open_before:
            first -= 1
            room -= len(rows[first].text) + 1
    return first, last


def _joins(chunk: Chunk, other: Chunk, room: int) -> bool:
    """Of a table only the table's own parts are read on; prose goes on to the next heading."""
    if chunk.heading_path != other.heading_path or len(other.text) >= room:
        return False
    if "table" in {chunk.kind, other.kind}:
        return chunk.kind == other.kind and chunk.locator == other.locator and _header(chunk) == _header(other)
    return True


def _piece(row: Chunk, before: Chunk | None, *, own: bool) -> str:
    """A table's header is read once; the chunk itself stays as it was found."""
    repeats = before is not None and row.kind == before.kind == "table" and _header(row) == _header(before)
    return row.text.partition("\n")[2] if repeats and not own else row.text


def _header(row: Chunk) -> str:
    return row.text.partition("\n")[0]
