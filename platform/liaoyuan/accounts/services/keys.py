"""API keys: made for a member, ended for good."""

from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from liaoyuan.accounts.errors import ScopeBeyondRole
from liaoyuan.accounts.keys import key_make
from liaoyuan.accounts.models import ApiKey, Member
from liaoyuan.accounts.policy import POLICY
from liaoyuan.accounts.services.chain import audit_record
from liaoyuan.errors import NotFound


def api_key_create(*, member: Member, name: str, scopes: frozenset[str], days: int | None = 365) -> tuple[ApiKey, str]:
    """A key for ``member`` and its secret, which is shown this once. Scopes beyond the member's role are refused."""
    beyond = sorted(scopes - POLICY[member.role])
    if beyond or not scopes:
        raise ScopeBeyondRole(scopes=", ".join(beyond) or "-", role=member.role)
    raw, prefix, digest = key_make()
    expires = timezone.now() + timedelta(days=days) if days is not None else None
    key = ApiKey.objects.create(
        organization_id=member.organization_id,
        member=member,
        name=name,
        prefix=prefix,
        digest=digest,
        scopes=sorted(scopes),
        expires_at=expires,
    )
    audit_record(action="key.create", object_kind="api_key", object_id=key.id, detail={"scopes": sorted(scopes)})
    return key, raw


def api_key_revoke(*, key_id: UUID) -> None:
    """End a key now. Raises NotFound for a missing or foreign one."""
    if not ApiKey.objects.filter(id=key_id, revoked_at__isnull=True).update(revoked_at=timezone.now()):
        raise NotFound
    audit_record(action="key.revoke", object_kind="api_key", object_id=key_id)
