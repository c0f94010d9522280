"""Members: their role, their groups, their way out and back. Somebody always holds the keys."""

from uuid import UUID

from django.utils import timezone

from liaoyuan.accounts.errors import LastOwner
from liaoyuan.accounts.models import Member, Role, User
from liaoyuan.accounts.names import groups_clean
from liaoyuan.accounts.services.chain import audit_record
from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.errors import InvalidInput, NotFound


def member_add(*, user: User, role: Role, groups: tuple[str, ...] = ()) -> Member:
    """Give ``user`` a place in the current organization; an existing place takes the new role and groups.

    A disabled place stays disabled. Raises LastOwner where the organization would be left without an owner.
    """
    tenant = current_tenant()
    held = Member.objects.filter(organization_id=tenant.organization_id, user=user).first()
    if held is not None and role != Role.OWNER:
        _refuse_last_owner(held)
    member, _ = Member.objects.update_or_create(
        organization_id=tenant.organization_id,
        user=user,
        defaults={"role": role, "groups": list(groups_clean(groups))},
    )
    audit_record(action="member.add", object_kind="member", object_id=member.id, detail={"role": str(role)})
    return member


def member_role_set(*, member_id: UUID, role: Role | str) -> Member:
    """Give a member another role, from their next request on; the same role again changes and records nothing.

    Raises InvalidInput for an unknown role, NotFound for a missing or foreign member, LastOwner for the last owner.
    """
    if role not in Role.values:
        raise InvalidInput(detail=f"role: {', '.join(Role.values)}")
    member = _locked(member_id)
    before, member.role = member.role, str(role)
    if before == member.role:
        return member
    if before == Role.OWNER:
        _refuse_last_owner(member)
    member.save(update_fields=["role"])
    detail = {"from": before, "to": member.role}
    audit_record(action="member.role", object_kind="member", object_id=member.id, detail=detail)
    return member


def member_groups_set(*, member_id: UUID, groups: tuple[str, ...] | list[str]) -> Member:
    """Replace the groups that carry a member's document rights, from their next request on.

    Raises InvalidInput for names that are too long or too many, NotFound for a missing or foreign member.
    """
    member = _locked(member_id)
    before, member.groups = list(member.groups), list(groups_clean(groups))
    if before == member.groups:
        return member
    member.save(update_fields=["groups"])
    detail = {"from": before, "to": member.groups}
    audit_record(action="member.groups", object_kind="member", object_id=member.id, detail=detail)
    return member


def member_disable(*, member_id: UUID) -> None:
    """Take away a member's access at once; what they made stays. The last owner cannot be disabled."""
    member = _locked(member_id)
    if member.disabled_at is not None:
        raise NotFound
    _refuse_last_owner(member)
    member.disabled_at = timezone.now()
    member.save(update_fields=["disabled_at"])
    audit_record(action="member.disable", object_kind="member", object_id=member.id)


def member_enable(*, member_id: UUID) -> None:
    """Let a disabled member in again, with the role and groups they had. Their live API keys work again too.

    Raises NotFound for a missing or foreign member and for one who is not disabled.
    """
    member = _locked(member_id)
    if member.disabled_at is None:
        raise NotFound
    member.disabled_at = None
    member.save(update_fields=["disabled_at"])
    audit_record(action="member.enable", object_kind="member", object_id=member.id)


def member_leave(*, user: User) -> None:
    """``user`` leaves the current organization of their own will. Raises LastOwner, and NotFound for no member."""
    held = Member.objects.filter(user=user, disabled_at__isnull=True).values_list("id", flat=True).first()
    if held is None:
        raise NotFound
    member = _locked(held)
    _refuse_last_owner(member)
    member.disabled_at = timezone.now()
    member.save(update_fields=["disabled_at"])
    audit_record(action="member.leave", object_kind="member", object_id=member.id)


def _locked(member_id: UUID) -> Member:
    """The member of the current organization, held until the transaction ends.

    The owners are locked first, always in one order: two owners who change each other wait and never deadlock.
    """
    organization_id = current_tenant().organization_id
    _owners_locked(organization_id)
    member = Member.objects.filter(organization_id=organization_id, id=member_id).select_for_update().first()
    if member is None:
        raise NotFound
    return member


def _owners_locked(organization_id: UUID) -> list[UUID]:
    active = Member.objects.filter(organization_id=organization_id, disabled_at__isnull=True, role=Role.OWNER)
    return list(active.select_for_update().order_by("id").values_list("id", flat=True))


def _refuse_last_owner(member: Member) -> None:
    """Raise LastOwner if ``member`` is the only active owner; two owners who leave at once wait for each other."""
    if _owners_locked(member.organization_id) == [member.id]:
        raise LastOwner
