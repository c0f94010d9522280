"""Who is here: oneself, members, invitations, API keys."""

from uuid import UUID

from ninja import Router, Status

from liaoyuan.accounts.models import ApiKey, Member, Organization
from liaoyuan.accounts.policy import POLICY, Principal, allowed
from liaoyuan.accounts.services import (
    api_key_create,
    api_key_revoke,
    invitation_accept,
    invitation_create,
    member_disable,
)
from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.present import key_fields, key_out, member_out
from liaoyuan.api.rest.schemas import (
    InvitationAnswer,
    InvitationNew,
    KeyMade,
    KeyNew,
    KeyOut,
    MemberOut,
)
from liaoyuan.errors import LiaoyuanError, NotFound

router = Router(tags=["people"])


class ScopeBeyondKey(LiaoyuanError):
    code = "scope_beyond_key"
    zh = "不能用一个密钥创建权限更大的密钥（超出：{scopes}）。请登录后创建。"
    en = "A key cannot make a key with wider scopes than its own ({scopes}). Sign in to make it."
    status = 403


@operation(router, "GET", "/me", action="organization.view")
def me(request: ApiRequest) -> dict[str, object]:
    """Who the caller is here, and what they may do."""
    who = request.auth
    return {
        "user_id": who.user_id,
        "organization_id": who.organization_id,
        "organization": Organization.objects.get(id=who.organization_id).name,
        "role": who.role,
        "groups": who.groups,
        "channel": who.channel,
        "actions": sorted(action for action in POLICY[who.role] if allowed(who, action)),
    }


@operation(router, "GET", "/members", action="member.view", response=list[MemberOut])
def members_list(request: ApiRequest) -> list[MemberOut]:
    """The organization's members, oldest first."""
    return [member_out(member) for member in Member.objects.select_related("user").order_by("created_at")[:2000]]


@operation(router, "POST", "/members/{member_id}/disable", action="member.manage", response={204: None})
def member_off(request: ApiRequest, member_id: UUID) -> "Status[None]":
    """Take a member's access away at once; the last owner cannot be disabled."""
    member_disable(member_id=member_id)
    return Status(204, None)


@operation(router, "POST", "/invitations", action="member.manage", response={201: dict[str, object]})
def invitation_new(request: ApiRequest, body: InvitationNew) -> "Status[dict[str, object]]":
    """Invite a person. The token is shown this once; give it to them over a channel that you trust."""
    invitation, token = invitation_create(email=body.email, role=body.role, groups=tuple(body.groups))
    made: dict[str, object] = {
        "id": invitation.id,
        "email": invitation.email,
        "role": invitation.role,
        "expires_at": invitation.expires_at,
        "token": token,
        "address": f"/invitation#{token}",
    }
    return Status(201, made)


@router.post("/invitations/accept", auth=None, response={201: dict[str, object]}, openapi_extra={"x-action": ""})
def invitation_take(request: ApiRequest, body: InvitationAnswer) -> "Status[dict[str, object]]":
    """Join with a token; open to anybody who has one. A person who is known already keeps their password."""
    member = invitation_accept(token=body.token, password=body.password, name=body.name)
    return Status(201, {"organization_id": member.organization_id, "role": member.role})


@operation(router, "GET", "/keys", action="key.own", response=list[KeyOut])
def keys_list(request: ApiRequest) -> list[KeyOut]:
    """One's own keys; all of the organization's for those who manage keys."""
    keys = ApiKey.objects.order_by("-created_at")
    if not allowed(request.auth, "key.manage"):
        keys = keys.filter(member__user_id=request.auth.user_id)
    return [key_out(key) for key in keys[:500]]


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
