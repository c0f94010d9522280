"""Who is here: oneself, the organization, members, API keys."""

from datetime import UTC, datetime, time
from uuid import UUID

from django.db.models import F, Sum
from django.http import HttpResponse
from django.utils import timezone
from ninja import Query, Router, Status

from liaoyuan.accounts.models import ApiKey, Member, Organization
from liaoyuan.accounts.policy import POLICY, Principal, allowed
from liaoyuan.accounts.services import (
    api_key_create,
    api_key_revoke,
    member_disable,
    member_enable,
    member_groups_set,
    member_role_set,
    organization_rename,
)
from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.pages import Page, page
from liaoyuan.api.rest.present import key_fields, key_out, member_out
from liaoyuan.api.rest.rows import match, narrowed, one, tagged
from liaoyuan.api.rest.schemas.people import (
    KeyMade,
    KeyNew,
    KeyOut,
    KeysQuery,
    Me,
    MemberChange,
    MemberOut,
    MembersQuery,
    OrganizationChange,
    OrganizationOut,
)
from liaoyuan.errors import LiaoyuanError, NotFound
from liaoyuan.operations.models import Trace

router = Router(tags=["people"])


class ScopeBeyondKey(LiaoyuanError):
    code = "scope_beyond_key"
    zh = "不能用一个密钥创建权限更大的密钥（超出：{scopes}）。请登录后创建。"
    en = "A key cannot make a key with wider scopes than its own ({scopes}). Sign in to make it."
    status = 403


@operation(router, "GET", "/me", action="organization.view", response=Me)
def me(request: ApiRequest) -> Me:
    """Who the caller is here, and what they may do."""
    who = request.auth
    return Me(
        user_id=who.user_id,
        organization_id=who.organization_id,
        organization=Organization.objects.get(id=who.organization_id).name,
        role=who.role,
        groups=list(who.groups),
        channel=who.channel,
        actions=sorted(action for action in POLICY[who.role] if allowed(who, action)),
    )


@operation(router, "GET", "/organization", action="organization.view", response=OrganizationOut)
def organization_show(request: ApiRequest, response: HttpResponse) -> OrganizationOut:
    """The organization, its daily token quota and what is used of it."""
    shown = _organization(request)
    tagged(response, shown)
    return shown


@operation(router, "PATCH", "/organization", action="organization.settings", response=OrganizationOut)
def organization_change(request: ApiRequest, body: OrganizationChange, response: HttpResponse) -> OrganizationOut:
    """Give the organization another name. The quota is the operator's to set."""
    organization_rename(name=body.name)
    shown = _organization(request)
    tagged(response, shown)
    return shown


def _organization(request: ApiRequest) -> OrganizationOut:
    found = Organization.objects.get(id=request.auth.organization_id)
    midnight = datetime.combine(timezone.now().astimezone(UTC).date(), time.min, tzinfo=UTC)
    tokens = Sum(F("prompt_tokens") + F("completion_tokens"), default=0)
    used = Trace.objects.filter(created_at__gte=midnight).aggregate(tokens=tokens)["tokens"]
    return OrganizationOut(
        id=found.id,
        name=found.name,
        daily_token_quota=found.daily_token_quota,
        tokens_today=used,
        created_at=found.created_at,
    )


@operation(router, "GET", "/members", action="member.view", response=Page[MemberOut])
def members_list(request: ApiRequest, response: HttpResponse, query: Query[MembersQuery]) -> Page[MemberOut]:
    """The organization's members."""
    off = None if query.disabled is None else not query.disabled
    rows = narrowed(Member.objects.select_related("user"), role=query.role, disabled_at__isnull=off)
    return page(request, response, query, rows, member_out, sort=query.sort)


@operation(router, "GET", "/members/{member_id}", action="member.view", response=MemberOut)
def member_show(request: ApiRequest, member_id: UUID, response: HttpResponse) -> MemberOut:
    """One member; the ETag is what a change may name in If-Match."""
    shown = member_out(one(Member.objects.select_related("user"), id=member_id))
    tagged(response, shown)
    return shown


@operation(router, "PATCH", "/members/{member_id}", action="member.manage", response=MemberOut)
def member_change(request: ApiRequest, member_id: UUID, body: MemberChange, response: HttpResponse) -> MemberOut:
    """Change role or groups; they count from the member's next request on. The last owner stays an owner."""
    locked = Member.objects.select_related("user").select_for_update(of=("self",))
    match(request, member_out(one(locked, id=member_id)))
    if body.role is not None:
        member_role_set(member_id=member_id, role=body.role)
    if body.groups is not None:
        member_groups_set(member_id=member_id, groups=body.groups)
    return member_show_now(member_id, response)


def member_show_now(member_id: UUID, response: HttpResponse) -> MemberOut:
    """A member as they are after a change, with the new tag."""
    shown = member_out(one(Member.objects.select_related("user"), id=member_id))
    tagged(response, shown)
    return shown


@operation(router, "POST", "/members/{member_id}/disable", action="member.manage", response={204: None})
def member_off(request: ApiRequest, member_id: UUID) -> "Status[None]":
    """Take a member's access away at once; the last owner cannot be disabled."""
    member_disable(member_id=member_id)
    return Status(204, None)


@operation(router, "POST", "/members/{member_id}/enable", action="member.manage", response={204: None})
def member_on(request: ApiRequest, member_id: UUID) -> "Status[None]":
    """Let a disabled member in again, with the role and groups they had."""
    member_enable(member_id=member_id)
    return Status(204, None)


@operation(router, "GET", "/keys", action="key.own", response=Page[KeyOut])
def keys_list(request: ApiRequest, response: HttpResponse, query: Query[KeysQuery]) -> Page[KeyOut]:
    """One's own keys; all of the organization's for those who manage keys."""
    rows = ApiKey.objects.all()
    if not allowed(request.auth, "key.manage"):
        rows = rows.filter(member__user_id=request.auth.user_id)
    return page(request, response, query, rows, key_out, sort=query.sort)


@operation(router, "POST", "/keys", action="key.own", response={201: KeyMade})
def key_new(request: ApiRequest, body: KeyNew) -> "Status[KeyMade]":
    """Make a key for oneself. Its scopes cannot go beyond the role, nor beyond the key that asks."""
    _check_scopes(request.auth, body.scopes)
    member = Member.objects.get(user_id=request.auth.user_id)
    key, raw = api_key_create(member=member, name=body.name, scopes=frozenset(body.scopes), days=body.days)
    return Status(201, KeyMade(**key_fields(key), key=raw))


@operation(router, "DELETE", "/keys/{key_id}", action="key.own", response={204: None})
def key_end(request: ApiRequest, key_id: UUID) -> "Status[None]":
    """End a key now: one's own, or anybody's for those who manage keys."""
    who = request.auth
    own = ApiKey.objects.filter(id=key_id, member__user_id=who.user_id).exists()
    if not own and not allowed(who, "key.manage"):
        raise NotFound
    api_key_revoke(key_id=key_id)
    return Status(204, None)


def _check_scopes(who: Principal, scopes: list[str]) -> None:
    beyond = sorted(set(scopes) - who.scopes) if who.scopes is not None else []
    if beyond:
        raise ScopeBeyondKey(scopes=", ".join(beyond))
