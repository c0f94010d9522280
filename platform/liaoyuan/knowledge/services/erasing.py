"""Erasure: a document's chunks, blocks, vectors and files go; the receipt says what went and what still descends
from it."""

from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from liaoyuan.accounts.services import audit_record
from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.models import Chunk, Document, DocumentVersion
from liaoyuan.knowledge.questions.forgetting import documents_forget
from liaoyuan.knowledge.services.receiving import DOCUMENTS
from liaoyuan.pipeline.models import Lineage
from liaoyuan.pipeline.storage import storage, storage_key


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """Counts of what was erased, and the artifacts (kind, id) derived from it that their own stages must deal with."""

    document_id: UUID
    versions: int
    chunks: int
    descendants: tuple[tuple[str, UUID], ...]


def document_erase(*, document_id: UUID) -> ErasureReceipt:
    """Erase a document inside the current tenant context. Raises NotFound. Its name stays, as the mark of the
    erasure."""
    document = Document.objects.filter(id=document_id).first()
    if document is None:
        raise NotFound
    organization_id = current_tenant().organization_id
    versions = list(document.versions.values_list("id", flat=True))
    chunks = list(Chunk.objects.filter(version_id__in=versions).values_list("id", flat=True))
    children = Lineage.objects.filter(parent_id__in=[*versions, *chunks]).exclude(child_kind="chunk")
    descendants = tuple(dict.fromkeys(children.values_list("child_kind", "child_id")))
    documents_forget(document_id=document.id, version_ids=versions)
    DocumentVersion.objects.filter(id__in=versions).delete()
    for version_id in versions:
        storage().delete(storage_key(organization_id, DOCUMENTS, version_id))
    document.erased_at = timezone.now()
    document.save(update_fields=["erased_at"])
    audit_record(
        action="document.erase",
        object_kind="document",
        object_id=document.id,
        detail={"versions": len(versions), "chunks": len(chunks), "descendants": len(descendants)},
    )
    return ErasureReceipt(document.id, len(versions), len(chunks), descendants)
