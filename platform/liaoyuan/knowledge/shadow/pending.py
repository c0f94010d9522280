"""Which versions a generation lacks, or holds in an older form."""

from datetime import UTC
from uuid import UUID

from django.db.models import Q, QuerySet

from liaoyuan.knowledge.models import DocumentVersion, SearchIndex, VersionState
from liaoyuan.knowledge.shadow.models import IndexEntry


def source_of(version: DocumentVersion) -> str:
    """What an entry of this version, built now, would be built from."""
    return version.indexed_at.astimezone(UTC).isoformat() if version.indexed_at else ""


def indexed_versions(collection_id: UUID) -> QuerySet[DocumentVersion]:
    """Every version of a collection that a search may find on some day, oldest first."""
    found = DocumentVersion.objects.filter(document__collection_id=collection_id, document__erased_at__isnull=True)
    found = found.exclude(Q(blocks_key="") | Q(state=VersionState.REJECTED)).filter(indexed_at__isnull=False)
    return found.order_by("indexed_at", "id")


def pending(index: SearchIndex) -> list[UUID]:
    """The versions to build into ``index`` still, oldest first. Inside the tenant context."""
    built = dict(IndexEntry.objects.filter(index=index).values_list("document_version_id", "source"))
    versions = indexed_versions(index.collection_id).only("id", "indexed_at")
    return [version.id for version in versions if built.get(version.id) != source_of(version)]
