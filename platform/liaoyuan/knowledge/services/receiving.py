"""A file arrives: its bytes go to storage, its version row is written, the same bytes again change
nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from django.db.models import Max

from liaoyuan.accounts.tenancy import current_tenant, tenant_context
from liaoyuan.knowledge.facts import DocumentFacts
from liaoyuan.knowledge.identity import identify
from liaoyuan.knowledge.models import PUBLISHED, Document, DocumentVersion, VersionState
from liaoyuan.pipeline.storage import file_sha256, storage, storage_key

DOCUMENTS = "documents"
# The same bytes need no reading; those of a withdrawn version that come again are news.
_KEPT = (VersionState.IN_FORCE, VersionState.SUPERSEDED, VersionState.DRAFT)
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}$")
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Received:
    """A version that waits for indexing, or (``unchanged``) one that was indexed before from the same bytes.

    ``standing``: it is found already, and stays as it is should it not be read again.
    """

    version_id: UUID
    document_id: UUID
    number: int
    unchanged: bool
    standing: bool = False


def document_receive(
    *,
    organization_id: UUID,
    collection_id: UUID,
    path: Path,
    name: str,
    facts: DocumentFacts | None = None,
    user_id: UUID | None = None,
) -> Received:
    """Take one file under ``name``; facts outrank what the name tells. Groups that are None stay as the version
    before had them."""
    facts = facts or DocumentFacts()
    groups = facts.groups
    sha256 = file_sha256(path)
    identity = identify(name)
    document_name = (facts.document or identity.name)[-_LONGEST_NAME:]
    with tenant_context(organization_id, user_id):
        document, _ = Document.objects.get_or_create(
            organization_id=organization_id, collection_id=collection_id, name=document_name
        )
        same = _same(document, sha256, groups)
        if same is not None:
            return same
        if document.erased_at is not None:
            # Somebody brings it anew on purpose: the mark of its erasure stays in the audit chain.
            document.erased_at = None
            document.save(update_fields=["erased_at"])
        newest = document.versions.order_by("-number").first()
        inherited = list(newest.groups) if newest and groups is None else list(groups or ())
        version = DocumentVersion(
            id=uuid4(),
            organization_id=organization_id,
            document=document,
            number=(document.versions.aggregate(top=Max("number"))["top"] or 0) + 1,
            file_name=Path(name).name[-_LONGEST_NAME:],
            sha256=sha256,
            size=path.stat().st_size,
            groups=inherited,
            effective_from=facts.effective_from or identity.effective_from,
            hold=facts.draft,
        )
        version.source_key = storage_key(organization_id, DOCUMENTS, version.id, "source" + _suffix(name))
        storage().put(version.source_key, path)
        version.save()
        return Received(version.id, document.id, version.number, unchanged=False)


def _same(document: Document, sha256: str, groups: Sequence[str] | None) -> Received | None:
    """The version with these bytes: one that is published stays, one that failed or was cut short is tried again."""
    found = document.versions.filter(sha256=sha256).order_by("-number").first()
    if found is None or (groups is not None and sorted(groups) != sorted(found.groups)):
        return None
    published = found.state in _KEPT
    latest = not document.versions.filter(number__gt=found.number, state__in=PUBLISHED).exists()
    if found.state == VersionState.WITHDRAWN or (published and not (latest or found.effective_from)):
        # An older or withdrawn content comes back: that is news, and becomes the newest version.
        return None
    return Received(found.id, document.id, found.number, unchanged=published)


def _suffix(name: str) -> str:
    match = _SUFFIX.search(name)
    return match.group().lower() if match else ""


def version_reject(*, version_id: UUID, code: str, reason_zh: str, reason_en: str) -> None:
    """Keep the row, so that a person sees which file failed and why."""
    DocumentVersion.objects.filter(id=version_id, organization_id=current_tenant().organization_id).update(
        state=VersionState.REJECTED, error={"code": code, "zh": reason_zh, "en": reason_en}
    )
