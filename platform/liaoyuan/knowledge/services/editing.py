"""Chunks changed by hand: edit, split, merge, disable, add, restore. Each is one transaction, audited, with history.

Whoever saves names the state that he saw (``tag``, :func:`chunk_tag`); where somebody else was faster, nothing is
written and the error says who. The embedding happens outside of any transaction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from liaoyuan.accounts.tenancy import Tenant, tenant_context
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.adapters.embeddings import Embedder, embedder_for
from liaoyuan.knowledge.chunking import ChunkDraft
from liaoyuan.knowledge.edits.errors import (
    ChunkChanged,
    ChunkEmpty,
    ChunkGone,
    ChunkNotLive,
    ChunkTooLong,
    NotAdded,
    NothingToMerge,
    NothingToRestore,
    SplitOutside,
)
from liaoyuan.knowledge.edits.groups import Group, chunk_tag, group_of, identified, neighbour
from liaoyuan.knowledge.edits.models import ChunkEdit, ChunkPatch, EditAction, PatchState
from liaoyuan.knowledge.edits.patches import ADDED, derived
from liaoyuan.knowledge.models import Chunk, DocumentVersion, IndexState
from liaoyuan.knowledge.parse.text import clean
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.knowledge.services.carrying import room_of
from liaoyuan.knowledge.services.chunk_writing import Rewriting, rewrite, settled_remember, unread

LONGEST_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class Changed:
    """What stands in the place of the chunk now, in reading order, and where the editor should go on."""

    version_id: UUID
    chunk_ids: tuple[UUID, ...]
    go_on: UUID


@dataclass(frozen=True, slots=True)
class _Plan:
    """The group's chunks as they shall be; ``at`` is the one to go on with."""

    group: Group
    results: Sequence[ChunkDraft]
    at: int


_Make = Callable[[Chunk, Group], _Plan]


def chunk_edit(
    *, who: Tenant, chunk_id: UUID, text: str, tag: str | None = None, engine: Embedder | None = None
) -> Changed:
    """Replace a chunk's text. Raises NotFound, ChunkChanged, ChunkGone, ChunkNotLive, ChunkEmpty, ChunkTooLong."""
    wanted = text_clean(text)

    def make(row: Chunk, group: Group) -> _Plan:
        at = group.place(row.id)
        results = group.results
        if results[at].origin == ADDED:
            results[at] = replace(results[at], text=wanted)
        else:
            results[at] = replace(derived(wanted, group.originals, enabled=row.enabled), id=row.id)
        return _Plan(group, results, at)

    return _change(who, chunk_id, tag, EditAction.EDIT, make, engine)


def chunk_split(
    *, who: Tenant, chunk_id: UUID, position: int, tag: str | None = None, engine: Embedder | None = None
) -> Changed:
    """Cut a chunk before character ``position`` of its text. Raises SplitOutside and what chunk_edit raises."""

    def make(row: Chunk, group: Group) -> _Plan:
        before, after = row.text[:position].strip(), row.text[position:].strip()
        if not 0 < position < len(row.text) or not before or not after:
            raise SplitOutside
        at = group.place(row.id)
        results = group.results
        if results[at].origin == ADDED:
            pieces = [replace(results[at], text=before), replace(results[at], text=after, id=None)]
        else:
            first, second = (derived(text, group.originals, enabled=row.enabled) for text in (before, after))
            pieces = [replace(first, id=row.id), second]
        return _Plan(group, [*results[:at], *pieces, *results[at + 1 :]], at)

    return _change(who, chunk_id, tag, EditAction.SPLIT, make, engine)


def chunk_merge(*, who: Tenant, chunk_id: UUID, tag: str | None = None, engine: Embedder | None = None) -> Changed:
    """Join a chunk with the one that follows it. Raises NothingToMerge and what chunk_edit raises."""

    def make(row: Chunk, group: Group) -> _Plan:
        following = neighbour(row)
        if following is None:
            raise NothingToMerge
        if following.id not in {each.id for each in group.rows}:
            group = group.with_next(group_of(following))
        at = group.place(row.id)
        results = group.results
        text = f"{results[at].text}\n{results[at + 1].text}"
        if results[at].origin == results[at + 1].origin == ADDED:
            merged = replace(results[at], text=text)
        else:
            merged = replace(derived(text, group.originals, enabled=row.enabled or following.enabled), id=row.id)
        return _Plan(group, [*results[:at], merged, *results[at + 2 :]], at)

    return _change(who, chunk_id, tag, EditAction.MERGE, make, engine)


def chunk_enable(
    *, who: Tenant, chunk_id: UUID, enabled: bool, tag: str | None = None, engine: Embedder | None = None
) -> Changed:
    """Let a chunk be found, or not. Raises what chunk_edit raises."""

    def make(row: Chunk, group: Group) -> _Plan:
        at = group.place(row.id)
        results = group.results
        results[at] = replace(results[at], enabled=enabled)
        return _Plan(group, results, at)

    return _change(who, chunk_id, tag, EditAction.ENABLE if enabled else EditAction.DISABLE, make, engine)


def chunk_add(
    *, who: Tenant, after: UUID, text: str, tag: str | None = None, engine: Embedder | None = None
) -> Changed:
    """Write a new chunk behind ``after``, below the same headings. Raises what chunk_edit raises."""
    wanted = text_clean(text)

    def make(row: Chunk, group: Group) -> _Plan:
        at = group.place(row.id)
        results = group.results
        new = replace(
            results[at], text=wanted, origin=ADDED, spans=(), enabled=True, id=None, locator="", kind="section"
        )
        return _Plan(group, [*results[: at + 1], new, *results[at + 1 :]], at + 1)

    return _change(who, after, tag, EditAction.ADD, make, engine)


def chunk_remove(*, who: Tenant, chunk_id: UUID, tag: str | None = None, engine: Embedder | None = None) -> Changed:
    """Take away a chunk that a person added. Raises NotAdded and what chunk_edit raises."""

    def make(row: Chunk, group: Group) -> _Plan:
        if row.origin != ADDED:
            raise NotAdded
        at = group.place(row.id)
        results = group.results
        return _Plan(group, [*results[:at], *results[at + 1 :]], max(0, at - 1))

    return _change(who, chunk_id, tag, EditAction.REMOVE, make, engine)


def chunk_restore(*, who: Tenant, chunk_id: UUID, tag: str | None = None, engine: Embedder | None = None) -> Changed:
    """Put the chunks back as they were parsed, with all that was split, merged or added there. Raises NothingToRestore
    and what chunk_edit raises."""

    def make(_row: Chunk, group: Group) -> _Plan:
        if not group.patches:
            raise NothingToRestore
        ids = [row.id for row in group.rows]
        kept = [replace(draft, id=ids[n] if n < len(ids) else None) for n, draft in enumerate(group.originals)]
        return _Plan(group, kept, 0)

    return _change(who, chunk_id, tag, EditAction.RESTORE, make, engine)


def lost_settle(*, who: Tenant, patch_id: UUID) -> None:
    """Be done with an edit that could not be carried: it was made again, or it is needed no more. Raises NotFound."""
    with tenant_context(who.organization_id, who.user_id, groups=who.groups):
        rows = ChunkPatch.objects.select_for_update(of=("self",)).select_related("index")
        row = rows.filter(id=patch_id, state=PatchState.LOST, version__in=versions_readable()).first()
        if row is None:
            raise NotFound
        row.state = PatchState.SETTLED
        row.save(update_fields=["state"])
        settled_remember(row)


def text_clean(text: str) -> str:
    """A text as it is stored: without control and invisible characters. Raises ChunkEmpty, ChunkTooLong."""
    if len(text) > LONGEST_TEXT:
        raise ChunkTooLong(tokens=len(text), limit=LONGEST_TEXT)
    cleaned = clean(text.replace("\r\n", "\n").replace("\r", "\n"), keep_spaces=True)[0].strip()
    if not cleaned:
        raise ChunkEmpty
    return cleaned


def _change(
    who: Tenant, chunk_id: UUID, tag: str | None, action: EditAction, make: _Make, engine: Embedder | None
) -> Changed:
    """Plan, embed what is new outside of any transaction, then plan again under the lock and write.

    Where a neighbour changed in between, the second plan may need another text: then once more.
    """
    vectors: dict[str, list[float]] = {}
    while True:
        with tenant_context(who.organization_id, who.user_id, groups=who.groups):
            row = _read(chunk_id, tag)
            plan = make(row, group_of(row))
            wanted = Rewriting(row, plan.group, identified(plan.results), action)
            engine = engine or embedder_for(row.index.embedder)
            missing = unread(wanted, vectors)
        if missing:
            _fit(engine, row, [draft for draft in wanted.results if draft.text in missing])
            embedded = engine.embed(list(missing.values()), "passage")
            vectors |= dict(zip(missing.values(), embedded.tolist(), strict=True))
            continue
        done = _write(who, chunk_id, tag, action, make, vectors)
        if done is not None:
            return done


def _write(
    who: Tenant, chunk_id: UUID, tag: str | None, action: EditAction, make: _Make, vectors: dict[str, list[float]]
) -> Changed | None:
    with tenant_context(who.organization_id, who.user_id, groups=who.groups):
        row = _read(chunk_id, tag, lock=True)
        plan = make(row, group_of(row))
        wanted = Rewriting(row, plan.group, identified(plan.results), action)
        if unread(wanted, vectors):
            return None
        ids = rewrite(wanted, vectors)
        return Changed(row.version_id, tuple(ids), ids[plan.at])


def _fit(engine: Embedder, row: Chunk, drafts: Sequence[ChunkDraft]) -> None:
    """Raises ChunkTooLong for a text that the embedding model would read in part only."""
    for draft in drafts:
        limit, tokens = room_of(engine, row.title, draft), engine.count_tokens(draft.text)
        if tokens > limit:
            raise ChunkTooLong(tokens=tokens, limit=limit)


def _read(chunk_id: UUID, tag: str | None, *, lock: bool = False) -> Chunk:
    """The chunk as the editor saw it. Raises NotFound, ChunkGone, ChunkChanged, ChunkNotLive."""
    rows = Chunk.objects.select_related("index", "version__document").filter(version__in=versions_readable())
    row = rows.filter(id=chunk_id).first()
    if row is not None and lock:
        # One editor of a version at a time; what he read before the lock may be stale by now.
        DocumentVersion.objects.select_for_update().get(id=row.version_id)
        row = rows.filter(id=chunk_id).first()
    if row is None:
        raise _gone(chunk_id)
    if row.index.state != IndexState.LIVE:
        raise ChunkNotLive
    if tag is not None and tag != chunk_tag(row):
        raise ChunkChanged(author=_last_author(chunk_id))
    return row


def _gone(chunk_id: UUID) -> Exception:
    """Whoever may read the version learns who took the chunk away; for others there never was one."""
    edits = ChunkEdit.objects.filter(version__in=versions_readable(), before__contains=[{"id": str(chunk_id)}])
    last = edits.order_by("-created_at").first()
    return ChunkGone(author=last.author) if last else NotFound()


def _last_author(chunk_id: UUID) -> str:
    last = ChunkEdit.objects.filter(after__contains=[{"id": str(chunk_id)}]).order_by("-created_at").first()
    return last.author if last else ""
