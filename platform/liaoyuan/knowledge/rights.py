"""Which documents the caller may read, for lists and for what quotes them. The same rule that the search applies."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.knowledge.models import DocumentVersion


def versions_readable() -> QuerySet[DocumentVersion]:
    """The versions that the current tenant context may read: those for everybody, and those of one of its groups."""
    groups = current_tenant().groups
    versions = DocumentVersion.objects.all()
    return versions if groups is None else versions.filter(Q(groups=[]) | Q(groups__overlap=list(groups)))


def all_readable(citations: Iterable[dict[str, Any]]) -> bool:
    """Whether the caller may read every version that ``citations`` quote. One that is gone cannot be judged: no."""
    if current_tenant().groups is None:
        return True
    cited = {UUID(item["document_version_id"]) for item in citations if item.get("document_version_id")}
    return versions_readable().filter(id__in=cited).count() == len(cited)
