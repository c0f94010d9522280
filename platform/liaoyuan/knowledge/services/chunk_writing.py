"""Writing what a person made of some chunks: rows, search terms, vectors, lineage, history, audit; all or nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from django.utils import timezone

from liaoyuan.accounts.selectors import actor_names
from liaoyuan.accounts.services import audit_record
from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.knowledge.chunking import ChunkDraft
from liaoyuan.knowledge.edits.groups import Group, draft_of
from liaoyuan.knowledge.edits.models import ChunkEdit, ChunkPatch, EditAction, PatchState
from liaoyuan.knowledge.edits.patches import Patch, draft_as_dict, placed
from liaoyuan.knowledge.models import Chunk, DocumentVersion
from liaoyuan.knowledge.services.embedding import embedded_text
from liaoyuan.knowledge.services.indexing import chunks_write
from liaoyuan.pipeline.models import Lineage

# Vectors by what was embedded: context and text.
Vectors = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class Rewriting:
    """``results`` (each with an id) take the place of the group's rows."""

    row: Chunk
    group: Group
    results: Sequence[ChunkDraft]
    action: EditAction


def unread(wanted: Rewriting, vectors: Vectors) -> dict[str, str]:
    """Chunk text → what is still to be embedded of it; rows that stay as they are bring their vectors."""
    known = set(_present(wanted.group, wanted.row.title)) | set(vectors)
    texts = {draft.text: embedded_text(wanted.row.title, draft) for draft in wanted.results}
    return {text: whole for text, whole in texts.items() if whole not in known}


def rewrite(wanted: Rewriting, vectors: Vectors) -> list[UUID]:
    """Write it inside the tenant context, with the version's row locked; the ids of the chunks, in reading order."""
    row, group = wanted.row, wanted.group
    before = [_said(each.id, each.text, enabled=each.enabled) for each in group.rows]
    known = _present(group, row.title) | dict(vectors)
    patch = Patch(group.patches[0].id if group.patches else uuid4(), group.originals, tuple(wanted.results))
    author = author_here()
    if patch.trivial:
        ChunkPatch.objects.filter(id__in=[each.id for each in group.patches]).delete()
        drafts = _as_parsed(patch)
    else:
        drafts = list(placed(patch))
        _keep(row, patch, group.patches[1:], author)
    _replace(row, group, drafts, known)
    after = [_said(draft.id, draft.text, enabled=draft.enabled) for draft in drafts]
    _remember(wanted, patch.id, before, after, author)
    return [draft.id for draft in drafts if draft.id]


def author_here() -> tuple[UUID | None, str]:
    """Who works here: id, and the name as history keeps it."""
    person = current_tenant().user_id
    return person, actor_names([str(person)]).get(str(person), "") if person else ""


def _present(group: Group, title: str) -> dict[str, Sequence[float]]:
    """The vectors of the rows as they stand, by what they were made of."""
    return {embedded_text(title, draft_of(row)): list(row.embedding) for row in group.rows}


def _as_parsed(patch: Patch) -> list[ChunkDraft]:
    return [
        replace(original, id=result.id, origin="parsed", enabled=True, sub_ordinal=0, patch_id=None)
        for original, result in zip(patch.originals, patch.results, strict=True)
    ]


def _keep(row: Chunk, patch: Patch, absorbed: Sequence[ChunkPatch], author: tuple[UUID | None, str]) -> None:
    ChunkPatch.objects.filter(id__in=[each.id for each in absorbed]).delete()
    values: dict[str, Any] = {
        "organization_id": row.organization_id,
        "version_id": row.version_id,
        "index_id": row.index_id,
        "originals": [draft_as_dict(draft) for draft in patch.originals],
        "results": [draft_as_dict(draft) for draft in patch.results],
        "state": PatchState.STANDING,
        "author_id": author[0],
        "author": author[1],
        "changed_at": timezone.now(),
    }
    ChunkPatch.objects.update_or_create(id=patch.id, defaults=values)


def _replace(row: Chunk, group: Group, drafts: Sequence[ChunkDraft], known: Vectors) -> None:
    Chunk.objects.filter(id__in=[each.id for each in group.rows]).delete()
    version = DocumentVersion.objects.select_related("document").get(id=row.version_id)
    vectors = [np.asarray(known[embedded_text(row.title, draft)], dtype=np.float32) for draft in drafts]
    chunks_write(version, row.title, drafts, vectors, index=row.index)
    version.chunk_count = Chunk.objects.filter(version=version, index=row.index).count()
    version.save(update_fields=["chunk_count"])
    edges = [
        Lineage(
            organization_id=row.organization_id, parent_kind="document_version", parent_id=version.id,
            child_kind="chunk", child_id=draft.id, relation="chunk_of",
        )
        for draft in drafts
        if draft.id
    ]  # fmt: skip
    Lineage.objects.bulk_create(edges, ignore_conflicts=True)


def _said(identifier: UUID | None, text: str, *, enabled: bool) -> dict[str, Any]:
    return {"id": str(identifier), "text": text, "enabled": enabled}


def _remember(
    wanted: Rewriting,
    patch_id: UUID,
    before: Sequence[dict[str, Any]],
    after: Sequence[dict[str, Any]],
    author: tuple[UUID | None, str],
) -> None:
    """What stayed as it was is left out: history shows what changed."""
    row = wanted.row
    edit = ChunkEdit.objects.create(
        organization_id=row.organization_id,
        version_id=row.version_id,
        index_number=row.index.number,
        patch_id=patch_id,
        action=wanted.action,
        before=[each for each in before if each not in after],
        after=[each for each in after if each not in before],
        author_id=author[0],
        author=author[1],
    )
    detail = {"edit": str(edit.id), "version": str(row.version_id), "before": len(before), "after": len(after)}
    audit_record(action=f"chunk.{wanted.action}", object_kind="chunk", object_id=row.id, detail=detail)


def settled_remember(row: ChunkPatch) -> None:
    """History of an edit that could not be carried and that somebody is done with."""
    author = author_here()
    ChunkEdit.objects.create(
        organization_id=row.organization_id,
        version_id=row.version_id,
        index_number=row.index.number,
        patch_id=row.id,
        action=EditAction.SETTLE,
        before=[_said(None, values["text"], enabled=values["enabled"]) for values in row.results],
        author_id=author[0],
        author=author[1],
    )
    audit_record(action="chunk.settle", object_kind="document_version", object_id=row.version_id)
