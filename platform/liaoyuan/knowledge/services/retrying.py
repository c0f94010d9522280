"""Files that could not be read are tried again from the bytes that were kept; nobody uploads them a second time."""

import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from uuid import UUID, uuid4

from liaoyuan.accounts.services import audit_record
from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.knowledge.errors import NothingToImport
from liaoyuan.knowledge.models import Collection, DocumentVersion, VersionState
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import StageRun
from liaoyuan.pipeline.services import stage_run_start
from liaoyuan.pipeline.storage import storage, storage_key

RETRIES = "uploads"


def versions_retry(*, collection: Collection, version_ids: Sequence[UUID] | None = None) -> StageRun:
    """Start an ingest run over the refused and interrupted versions (all of them, or those named), under the names
    that they came with, so that each finds its own row again. Raises NothingToImport."""
    wanted = versions_readable().filter(
        document__collection=collection, state__in=(VersionState.REJECTED, VersionState.RECEIVED)
    )
    if version_ids is not None:
        wanted = wanted.filter(id__in=version_ids)
    versions = [version for version in wanted.select_related("document") if storage().exists(version.source_key)]
    if not versions:
        raise NothingToImport(path=collection.name)
    key = storage_key(current_tenant().organization_id, RETRIES, uuid4())
    with tempfile.TemporaryDirectory(prefix="liaoyuan-retry-") as folder:
        for version in versions:
            target = Path(folder) / _name(version)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(storage().open_path(version.source_key).resolve())
        # Storage copies what the links lead to.
        storage().put(key, Path(folder))
    spec = {
        "collection": collection.name,
        "collection_id": str(collection.id),
        "paths": [str(storage().open_path(key))],
        "groups": None,
    }
    run = stage_run_start(stage=StageName.INGEST, spec=spec)
    DocumentVersion.objects.filter(id__in=[version.id for version in versions]).update(
        state=VersionState.RECEIVED, error={}
    )
    detail = {"files": len(versions), "run": str(run.id)}
    audit_record(action="document.retry", object_kind="collection", object_id=collection.id, detail=detail)
    return run


def _name(version: DocumentVersion) -> PurePosixPath:
    """The folder is the document's, the file name the version's own: it may carry the date of this version."""
    return PurePosixPath(version.document.name).parent / version.file_name
