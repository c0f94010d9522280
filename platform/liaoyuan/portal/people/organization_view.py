"""What the organization's settings show."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Sum

from liaoyuan.accounts.anchors import anchors_read
from liaoyuan.accounts.models import Organization
from liaoyuan.accounts.policy import Principal
from liaoyuan.knowledge.models import DocumentVersion
from liaoyuan.operations.budget import tokens_today
from liaoyuan.portal.people.selectors import entry_count, member_count


@dataclass(frozen=True)
class OrganizationPage:
    """The organization as it is; ``tokens_percent`` is of today's quota, which begins anew at midnight UTC."""

    id: UUID
    name: str
    created: datetime
    members: int
    tokens_quota: int
    tokens_used: int
    tokens_percent: int
    documents_bytes: int
    audit_entries: int
    anchored: datetime | None


def organization_page(who: Principal) -> OrganizationPage:
    """Inside the tenant context of ``who``."""
    organization = Organization.objects.get(id=who.organization_id)
    used, quota = tokens_today(), organization.daily_token_quota
    anchors = anchors_read(who.organization_id)
    return OrganizationPage(
        id=organization.id,
        name=organization.name,
        created=organization.created_at,
        members=member_count(),
        tokens_quota=quota,
        tokens_used=used,
        tokens_percent=min(100, round(100 * used / quota)) if quota else 100,
        documents_bytes=DocumentVersion.objects.aggregate(bytes=Sum("size", default=0))["bytes"],
        audit_entries=entry_count(),
        anchored=anchors[-1].at if anchors else None,
    )
