"""Chosen documents are read again by today's rules, into the index in use: what stood there is found until then.

A run does it, file by file, over the bytes that were kept. Edits made by hand are carried over as on any new parse; a
version that cannot be read any more keeps the text that it has.
"""

from collections.abc import Sequence
from pathlib import PurePosixPath
from uuid import UUID

from django.db.models import Count

from liaoyuan.accounts.services import audit_record
from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.errors import LiaoyuanError, NotFound
from liaoyuan.knowledge.edits.models import ChunkPatch, PatchState
from liaoyuan.knowledge.models import Collection, DocumentVersion, IndexState
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.knowledge.services.importing import REREAD
from liaoyuan.knowledge.waiting.estimates import Costs
from liaoyuan.knowledge.waiting.models import ITEM_OPEN, ImportItem, ItemState
from liaoyuan.knowledge.waiting.services import AGAIN
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import StageRun
from liaoyuan.pipeline.services import stage_run_start
from liaoyuan.pipeline.storage import storage


class NothingToReread(LiaoyuanError):
    code = "nothing_to_reread"
    zh = "所选文档已经在解析中，或其原文件已不在存储里。"
    en = "The chosen documents are being read already, or their files are no longer kept."
    status = 409


def documents_reread(*, collection: Collection, document_ids: Sequence[UUID]) -> StageRun:
    """Start a run that reads every version of these documents again that the person may read.

    Raises NotFound where the collection has none of them, NothingToReread where all are on their way already.
    """
    versions = versions_readable().filter(
        document__collection=collection, document_id__in=document_ids, document__erased_at__isnull=True
    )
    found = list(versions.select_related("document").order_by("document__name", "number"))
    if not found:
        raise NotFound
    # Two who ask at once: the second one sees the first one's files.
    Collection.objects.select_for_update(no_key=True).get(id=collection.id)
    busy = versions_on_their_way(collection.id)
    wanted = [version for version in found if version.id not in busy and storage().exists(version.source_key)]
    if not wanted:
        raise NothingToReread
    spec: dict[str, object] = {
        "collection": collection.name,
        "collection_id": str(collection.id),
        "paths": [],
        "groups": None,
        AGAIN: True,
        REREAD: True,
    }
    run = stage_run_start(stage=StageName.INGEST, spec=spec)
    costs = Costs()
    items = [_item(run, position, version, costs) for position, version in enumerate(wanted)]
    ImportItem.objects.bulk_create(items, batch_size=1000)
    detail = {"documents": len({each.document_id for each in wanted}), "versions": len(wanted), "run": str(run.id)}
    audit_record(action="document.reread", object_kind="collection", object_id=collection.id, detail=detail)
    return run


def versions_on_their_way(collection_id: UUID) -> set[UUID]:
    """The versions that an import holds a file of which has not ended."""
    items = ImportItem.objects.filter(collection_id=collection_id, state__in=ITEM_OPEN, version_id__isnull=False)
    return {each for each in items.values_list("version_id", flat=True) if each is not None}


def edits_waiting(version_ids: Sequence[UUID]) -> dict[UUID, int]:
    """By version, how many edits could not be carried over in the index in use and wait for a person."""
    lost = ChunkPatch.objects.filter(
        version_id__in=version_ids, state=PatchState.LOST, index__state=IndexState.LIVE
    ).values("version_id")
    return dict(lost.annotate(n=Count("id")).order_by().values_list("version_id", "n"))


def rereads_latest(version_ids: Sequence[UUID]) -> dict[UUID, ImportItem]:
    """By version that stands in the index, the latest file of an import over it that is open or was refused."""
    if not version_ids:
        return {}
    standing = DocumentVersion.objects.filter(id__in=version_ids, indexed_at__isnull=False)
    items = ImportItem.objects.filter(version_id__in=standing.values("id")).order_by("version_id", "-created_at")
    latest = {each.version_id: each for each in items.distinct("version_id") if each.version_id}
    return {key: each for key, each in latest.items() if each.state in ITEM_OPEN | {ItemState.REJECTED}}


def _item(run: StageRun, position: int, version: DocumentVersion, costs: Costs) -> ImportItem:
    name = PurePosixPath(version.document.name).parent / version.file_name
    format_ = name.suffix.lower().lstrip(".")[:12]
    return ImportItem(
        organization_id=version.organization_id,
        collection_id=version.document.collection_id,
        run_id=run.id,
        requested_by=current_tenant().user_id,
        position=position,
        path=str(name),
        name=str(name),
        format=format_,
        size=version.size,
        expected_seconds=costs.seconds(format_, version.size),
        document_id=version.document_id,
        version_id=version.id,
        version=version.number,
    )
