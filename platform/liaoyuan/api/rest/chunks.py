"""Chunks by hand: edit, split, merge, add, switch off, restore; their history; and what other settings would make.

Send a chunk's ETag as If-Match and a change that somebody else made meanwhile is never overwritten (412).
"""

from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Router, Schema, Status

from liaoyuan.accounts.tenancy import Tenant, tenant_context
from liaoyuan.api.rest.contents import version_of
from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.pages import Page, page
from liaoyuan.api.rest.schemas.chunks import (
    BinOut,
    ChunkChange,
    ChunkDetail,
    ChunkNew,
    ChunksChanged,
    ChunkSplit,
    DraftOut,
    EditOut,
    EditsQuery,
    LostEditOut,
    LostEdits,
    PreviewOut,
    PreviewQuery,
    SizesOut,
)
from liaoyuan.errors import InvalidInput
from liaoyuan.knowledge.context import edit_marks
from liaoyuan.knowledge.edits.groups import chunk_tag
from liaoyuan.knowledge.edits.selectors import chunk_history, chunk_readable, edit_history, lost_edits, parsed_texts
from liaoyuan.knowledge.models import Chunk
from liaoyuan.knowledge.preview import chunks_preview
from liaoyuan.knowledge.services import editing

router = Router(tags=["documents"])


class Settled(Schema):
    """The edit is done with; it stays in the history."""

    id: UUID


@operation(router, "GET", "/chunks/{chunk_id}", action="document.view", response=ChunkDetail)
def chunk_show(request: ApiRequest, chunk_id: UUID, response: HttpResponse) -> ChunkDetail:
    """A chunk with its edits: who changed it, what was parsed, what stands literally in the document."""
    return _shown(chunk_readable(chunk_id), response)


@operation(router, "PATCH", "/chunks/{chunk_id}", action="document.edit", tenant=False, response=ChunkDetail)
def chunk_change(request: ApiRequest, chunk_id: UUID, body: ChunkChange, response: HttpResponse) -> ChunkDetail:
    """Change a chunk's text, or whether questions find it. Vector and search terms are made anew."""
    if body.text is None and body.enabled is None:
        raise InvalidInput(detail="text, enabled")
    who, tag = _who(request), _tag(request)
    if body.text is not None:
        editing.chunk_edit(who=who, chunk_id=chunk_id, text=body.text, tag=tag)
        tag = None
    if body.enabled is not None:
        editing.chunk_enable(who=who, chunk_id=chunk_id, enabled=body.enabled, tag=tag)
    return _looked_up(request, chunk_id, response)


@operation(router, "POST", "/chunks/{chunk_id}/split", action="document.edit", tenant=False, response=ChunksChanged)
def chunk_split(request: ApiRequest, chunk_id: UUID, body: ChunkSplit) -> ChunksChanged:
    """Cut a chunk in two before a character of its text."""
    done = editing.chunk_split(who=_who(request), chunk_id=chunk_id, position=body.position, tag=_tag(request))
    return _changed(request, done)


@operation(router, "POST", "/chunks/{chunk_id}/merge", action="document.edit", tenant=False, response=ChunksChanged)
def chunk_merge(request: ApiRequest, chunk_id: UUID) -> ChunksChanged:
    """Join a chunk with the one behind it."""
    return _changed(request, editing.chunk_merge(who=_who(request), chunk_id=chunk_id, tag=_tag(request)))


@operation(router, "POST", "/chunks/{chunk_id}/restore", action="document.edit", tenant=False, response=ChunksChanged)
def chunk_restore(request: ApiRequest, chunk_id: UUID) -> ChunksChanged:
    """Put the chunks of this place back as they were parsed."""
    return _changed(request, editing.chunk_restore(who=_who(request), chunk_id=chunk_id, tag=_tag(request)))


@operation(router, "POST", "/chunks/{chunk_id}/add", action="document.edit", tenant=False, response={201: ChunkDetail})
def chunk_add(request: ApiRequest, chunk_id: UUID, body: ChunkNew, response: HttpResponse) -> "Status[ChunkDetail]":
    """Write a chunk of your own behind this one; a quote of it says that a person wrote it."""
    done = editing.chunk_add(who=_who(request), after=chunk_id, text=body.text, tag=_tag(request))
    return Status(201, _looked_up(request, done.go_on, response))


@operation(router, "DELETE", "/chunks/{chunk_id}", action="document.edit", tenant=False, response=ChunksChanged)
def chunk_end(request: ApiRequest, chunk_id: UUID) -> ChunksChanged:
    """Take away a chunk that a person added. One of the document can only be switched off."""
    return _changed(request, editing.chunk_remove(who=_who(request), chunk_id=chunk_id, tag=_tag(request)))


@operation(router, "GET", "/chunks/{chunk_id}/history", action="document.view", response=Page[EditOut])
def chunk_changes(
    request: ApiRequest, response: HttpResponse, chunk_id: UUID, query: Query[EditsQuery]
) -> Page[EditOut]:
    """Who changed this place, newest first, with the texts before and after."""
    return page(request, response, query, chunk_history(chunk_readable(chunk_id)), EditOut.from_orm, sort=query.sort)


@operation(router, "GET", "/documents/{document_id}/edits", action="document.view", response=Page[EditOut])
def document_edits(
    request: ApiRequest, response: HttpResponse, document_id: UUID, query: Query[EditsQuery]
) -> Page[EditOut]:
    """Every change that people made in the newest version's chunks, newest first."""
    rows = edit_history(version_of(document_id, None))
    return page(request, response, query, rows, EditOut.from_orm, sort=query.sort)


@operation(router, "GET", "/documents/{document_id}/lost-edits", action="document.view", response=LostEdits)
def document_lost_edits(request: ApiRequest, document_id: UUID) -> LostEdits:
    """Edits that a new parse, version or index could not take over, each with its reason and its text."""
    found = lost_edits(version_of(document_id, None))
    return LostEdits(items=[LostEditOut.from_orm(each) for each in found])


@operation(
    router,
    "POST",
    "/documents/{document_id}/lost-edits/{edit_id}/settle",
    action="document.edit",
    tenant=False,
    response=Settled,
)
def document_edit_settle(request: ApiRequest, document_id: UUID, edit_id: UUID) -> Settled:
    """Be done with an edit that could not be carried."""
    who = _who(request)
    with tenant_context(who.organization_id, who.user_id, groups=who.groups):
        version_of(document_id, None)
    editing.lost_settle(who=who, patch_id=edit_id)
    return Settled(id=edit_id)


@operation(router, "GET", "/documents/{document_id}/chunks/preview", action="document.edit", response=PreviewOut)
def document_preview(request: ApiRequest, document_id: UUID, query: Query[PreviewQuery]) -> PreviewOut:
    """What a document would be cut into under other settings, and what became of people's edits. Writes nothing."""
    found = chunks_preview(version_of(document_id, query.version), target=query.target, limit=query.limit)
    pairs = list(zip(found.drafts, found.tokens, strict=True))[: query.first]
    return PreviewOut(
        version_id=found.version_id,
        embedder=found.embedder,
        target=found.target,
        limit=found.limit,
        now=SizesOut.from_orm(found.now),
        then=SizesOut.from_orm(found.then),
        bins=[BinOut.from_orm(each) for each in found.bins],
        kept=found.kept,
        lost=found.lost,
        chunks=[
            DraftOut(
                kind=draft.kind,
                heading_path=list(draft.heading_path),
                locator=draft.locator,
                text=draft.text,
                page=draft.page,
                box=list(draft.box) if draft.box else None,
                tokens=tokens,
                enabled=draft.enabled,
                origin=draft.origin,
            )
            for draft, tokens in pairs
        ],
    )


def _who(request: ApiRequest) -> Tenant:
    who = request.auth
    return Tenant(who.organization_id, who.user_id, who.document_groups)


def _tag(request: ApiRequest) -> str | None:
    """The state that the caller saw; None where he does not say."""
    wanted = request.headers.get("If-Match", "").strip()
    return None if wanted in {"", "*"} else wanted.strip('"')


def _changed(request: ApiRequest, done: editing.Changed) -> ChunksChanged:
    who = request.auth
    with tenant_context(who.organization_id, who.user_id, groups=who.document_groups):
        return ChunksChanged(chunks=[_detail(chunk_readable(each)) for each in done.chunk_ids])


def _looked_up(request: ApiRequest, chunk_id: UUID, response: HttpResponse) -> ChunkDetail:
    who = request.auth
    with tenant_context(who.organization_id, who.user_id, groups=who.document_groups):
        return _shown(chunk_readable(chunk_id), response)


def _shown(row: Chunk, response: HttpResponse) -> ChunkDetail:
    found = _detail(row)
    response["ETag"] = f'"{found.tag}"'
    return found


def _detail(row: Chunk) -> ChunkDetail:
    mark = edit_marks([row]).get(str(row.id))
    return ChunkDetail(
        id=row.id,
        ordinal=row.ordinal,
        sub_ordinal=row.sub_ordinal,
        kind=row.kind,
        title=row.title,
        heading_path=row.heading_path,
        locator=row.locator,
        text=row.text,
        page=row.page,
        box=row.box,
        enabled=row.enabled,
        origin=row.origin,
        document_id=row.version.document_id,
        version_id=row.version_id,
        index_id=row.index_id,
        tag=chunk_tag(row),
        edited_by=mark.author if mark else "",
        edited_at=mark.at if mark else None,
        parsed=parsed_texts(row),
        literal=[[span[0], span[1]] for span in row.spans],
    )
