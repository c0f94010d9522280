"""Artifacts and the edges between them."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.pipeline.contract import ArtifactRef, NewArtifact, Parent
from liaoyuan.pipeline.events import plain
from liaoyuan.pipeline.files import StoredFile
from liaoyuan.pipeline.models import Artifact, Lineage


def artifact_register(
    *, item: NewArtifact, run_id: UUID | None = None, stored: StoredFile | None = None
) -> ArtifactRef:
    """Register one artifact with its edges and let the app save its own row, all in the caller's transaction.

    An artifact whose id exists already is reused as it is: artifacts are immutable.
    """
    organization_id = current_tenant().organization_id
    found = Artifact.objects.filter(id=item.id).first()
    if found is None:
        file = stored or StoredFile()
        found = Artifact.objects.create(
            id=item.id,
            organization_id=organization_id,
            kind=item.kind,
            name=item.name[:300],
            uri=file.uri,
            sha256=file.sha256,
            size=file.size,
            meta=plain(item.meta),
            run_id=run_id,
        )
        if item.save is not None:
            item.save(artifact_ref(found))
    lineage_write(child_kind=item.kind, child_id=item.id, parents=item.parents)
    return artifact_ref(found)


def lineage_write(*, child_kind: str, child_id: UUID, parents: Iterable[Parent]) -> None:
    """Write the edges from ``parents`` to one child; an edge that exists stays as it is."""
    organization_id = current_tenant().organization_id
    edges = [
        Lineage(
            organization_id=organization_id,
            parent_kind=parent.kind,
            parent_id=parent.id,
            child_kind=child_kind,
            child_id=child_id,
            relation=parent.relation,
        )
        for parent in parents
    ]
    Lineage.objects.bulk_create(edges, ignore_conflicts=True, batch_size=1000)


def artifact_ref(artifact: Artifact) -> ArtifactRef:
    """The reference by which stages know an artifact."""
    meta: Mapping[str, Any] = artifact.meta
    return ArtifactRef(
        kind=artifact.kind, id=artifact.id, name=artifact.name, uri=artifact.uri, sha256=artifact.sha256, meta=meta
    )
