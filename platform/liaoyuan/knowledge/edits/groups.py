"""The chunks that one edit is about: a parsed chunk alone, or all that a person made of some parsed chunks."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from liaoyuan.knowledge.chunking import ChunkDraft, Span
from liaoyuan.knowledge.edits.models import ChunkPatch, PatchState
from liaoyuan.knowledge.edits.patches import draft_from_dict
from liaoyuan.knowledge.models import Chunk

ORDER = ("ordinal", "sub_ordinal")


@dataclass(frozen=True, slots=True)
class Group:
    """Neighbouring chunks in reading order and the parsed chunks that they stand for. ``patches``: what made them."""

    rows: tuple[Chunk, ...]
    originals: tuple[ChunkDraft, ...]
    patches: tuple[ChunkPatch, ...]

    @property
    def results(self) -> list[ChunkDraft]:
        """The chunks as drafts that keep their ids."""
        return [draft_of(row) for row in self.rows]

    def place(self, chunk_id: UUID) -> int:
        """Which of the rows a chunk is."""
        return next(number for number, row in enumerate(self.rows) if row.id == chunk_id)

    def with_next(self, other: "Group") -> "Group":
        """Both as one group; ``other`` follows in reading order."""
        return Group(self.rows + other.rows, self.originals + other.originals, self.patches + other.patches)


def group_of(row: Chunk) -> Group:
    """The group that ``row`` belongs to."""
    patch = ChunkPatch.objects.filter(id=row.patch_id, state=PatchState.STANDING).first() if row.patch_id else None
    if patch is None:
        return Group((row,), (replace(draft_of(row), id=None, origin="parsed", enabled=True, patch_id=None),), ())
    rows = Chunk.objects.filter(version_id=row.version_id, index_id=row.index_id, patch_id=patch.id).order_by(*ORDER)
    return Group(tuple(rows), tuple(draft_from_dict(values) for values in patch.originals), (patch,))


def neighbour(row: Chunk) -> Chunk | None:
    """The chunk that follows in reading order."""
    beside = Chunk.objects.filter(version_id=row.version_id, index_id=row.index_id)
    same = beside.filter(ordinal=row.ordinal, sub_ordinal__gt=row.sub_ordinal)
    later = beside.filter(ordinal__gt=row.ordinal)
    return same.order_by(*ORDER).first() or later.order_by(*ORDER).first()


def chunk_tag(row: Chunk) -> str:
    """What a chunk says and whether it counts, in 16 digits: it changes whenever an editor must look again."""
    said = f"{row.id}\x1f{row.enabled}\x1f{row.text}"
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def draft_of(row: Chunk) -> ChunkDraft:
    """A stored chunk as a draft that keeps its id and its place."""
    box = row.box
    return ChunkDraft(
        kind=row.kind,
        text=row.text,
        heading_path=tuple(row.heading_path),
        locator=row.locator,
        page=row.page,
        box=(box[0], box[1], box[2], box[3]) if box else None,
        spans=tuple(Span(*span) for span in row.spans),
        origin=row.origin,
        enabled=row.enabled,
        id=row.id,
        ordinal=row.ordinal,
        sub_ordinal=row.sub_ordinal,
        patch_id=row.patch_id,
    )


def identified(drafts: Sequence[ChunkDraft]) -> list[ChunkDraft]:
    """Every draft with an id: its own, or a new one."""
    return [draft if draft.id else replace(draft, id=uuid4()) for draft in drafts]
