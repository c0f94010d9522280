"""What changes accounts: organizations, members and the audit chain's next link."""

from typing import Any
from uuid import UUID

from liaoyuan.accounts.audit import append
from liaoyuan.accounts.models import AuditEvent, Member, Organization, Role, User
from liaoyuan.accounts.tenancy import current_tenant, system_context


def organization_create(*, name: str) -> tuple[Organization, bool]:
    """The organization called ``name`` and whether it is new. Done by operators: the name is unique on the machine."""
    with system_context("organization create") as alias:
        return Organization.objects.using(alias).get_or_create(name=name.strip())


def user_create(*, email: str, password: str | None = None, name: str = "") -> tuple[User, bool]:
    """The user with ``email`` and whether it is new. Without a password the account cannot sign in until one is set."""
    found = User.objects.filter(email=email.lower()).first()
    if found:
        return found, False
    return User.objects.create_user(email, password, name=name), True


def member_add(*, user: User, role: Role, groups: tuple[str, ...] = ()) -> Member:
    """Give ``user`` a place in the current organization; an existing place takes the new role and groups."""
    tenant = current_tenant()
    member, _ = Member.objects.update_or_create(
        organization_id=tenant.organization_id, user=user, defaults={"role": role, "groups": list(groups)}
    )
    audit_record(action="member.add", object_kind="member", object_id=member.id, detail={"role": str(role)})
    return member


def audit_record(
    *, action: str, object_kind: str, object_id: UUID | str, detail: dict[str, Any] | None = None
) -> AuditEvent:
    """Append one link to the current organization's chain; it lands or falls with the surrounding transaction."""
    return append(action=action, object_kind=object_kind, object_id=str(object_id), detail=detail or {})
