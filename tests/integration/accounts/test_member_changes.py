"""What an owner changes about people: role, groups, way back in, an invitation taken back; and login links."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from liaoyuan.accounts.errors import InvitationInvalid, LastOwner, LoginLinkInvalid
from liaoyuan.accounts.models import AuditEvent, Invitation, LoginLink, Member, Role, User
from liaoyuan.accounts.resolver import principal_from_session, principals_of_user
from liaoyuan.accounts.services import (
    invitation_accept,
    invitation_create,
    invitation_renew,
    invitation_revoke,
    login_link_create,
    login_link_use,
    member_add,
    member_disable,
    member_enable,
    member_groups_set,
    member_leave,
    member_role_set,
)
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import InvalidInput, NotFound

PASSWORD = "a long walk in the rain"


def as_owner(owner: Member, work: Callable[[], Any]) -> Any:
    with tenant_context(owner.organization_id, owner.user_id):
        return work()


def last_audit(owner: Member) -> AuditEvent:
    event: AuditEvent = as_owner(owner, lambda: AuditEvent.objects.order_by("-seq").first())
    return event


# Role and groups


def test_a_new_role_counts_at_once_and_is_recorded(owner: Member, viewer: Member) -> None:
    as_owner(owner, lambda: member_role_set(member_id=viewer.id, role="auditor"))
    assert principal_from_session(viewer.user).role == "auditor"
    event = last_audit(owner)
    assert (event.action, event.actor, event.object_id) == ("member.role", str(owner.user_id), str(viewer.id))
    assert event.detail == {"from": "viewer", "to": "auditor"}


def test_the_same_role_again_records_nothing(owner: Member, viewer: Member) -> None:
    before = last_audit(owner).seq
    as_owner(owner, lambda: member_role_set(member_id=viewer.id, role=Role.VIEWER))
    assert last_audit(owner).seq == before


@pytest.mark.parametrize("role", ["", "root", "OWNER", "owner "])
def test_an_unknown_role_is_refused(owner: Member, viewer: Member, role: str) -> None:
    with pytest.raises(InvalidInput):
        as_owner(owner, lambda: member_role_set(member_id=viewer.id, role=role))
    assert principal_from_session(viewer.user).role == "viewer"


def test_the_last_owner_keeps_the_role(owner: Member, steward: Member) -> None:
    with pytest.raises(LastOwner):
        as_owner(owner, lambda: member_role_set(member_id=owner.id, role="viewer"))
    as_owner(owner, lambda: member_role_set(member_id=steward.id, role="owner"))
    as_owner(owner, lambda: member_role_set(member_id=owner.id, role="viewer"))
    assert principal_from_session(owner.user).role == "viewer"


def test_two_owners_who_lower_each_other_at_once_leave_one(owner: Member, steward: Member) -> None:
    as_owner(owner, lambda: member_role_set(member_id=steward.id, role="owner"))
    barrier = Barrier(2)

    def lower(member: Member) -> str:
        barrier.wait(timeout=30)
        try:
            as_owner(owner, lambda: member_role_set(member_id=member.id, role="viewer"))
            return "lowered"
        except LastOwner:
            return "refused"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(lower, (owner, steward))) == ["lowered", "refused"]


def test_groups_are_replaced_cleaned_and_recorded(owner: Member, viewer: Member) -> None:
    given = (" ward-1 ", "ward-1", "", "\u200b", "lab\u202e")
    as_owner(owner, lambda: member_groups_set(member_id=viewer.id, groups=given))
    assert principal_from_session(viewer.user).groups == ("ward-1", "lab")
    assert last_audit(owner).detail == {"from": [], "to": ["ward-1", "lab"]}
    as_owner(owner, lambda: member_groups_set(member_id=viewer.id, groups=()))
    assert principal_from_session(viewer.user).groups == ()


@pytest.mark.parametrize("groups", [("x" * 65,), tuple(f"g{n}" for n in range(51))])
def test_groups_have_limits(owner: Member, viewer: Member, groups: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput):
        as_owner(owner, lambda: member_groups_set(member_id=viewer.id, groups=groups))


# Out and back


def test_who_was_disabled_comes_back_with_the_same_place(owner: Member, viewer: Member) -> None:
    as_owner(owner, lambda: member_groups_set(member_id=viewer.id, groups=("lab",)))
    as_owner(owner, lambda: member_disable(member_id=viewer.id))
    assert principals_of_user(viewer.user) == []
    as_owner(owner, lambda: member_enable(member_id=viewer.id))
    found = principal_from_session(viewer.user)
    assert (found.role, found.groups) == ("viewer", ("lab",))
    assert last_audit(owner).action == "member.enable"
    with pytest.raises(NotFound):
        as_owner(owner, lambda: member_enable(member_id=viewer.id))


def test_a_member_leaves_and_the_last_owner_cannot(owner: Member, viewer: Member) -> None:
    with tenant_context(viewer.organization_id, viewer.user_id):
        member_leave(user=viewer.user)
    assert principals_of_user(viewer.user) == []
    assert (last_audit(owner).action, last_audit(owner).actor) == ("member.leave", str(viewer.user_id))
    with pytest.raises(LastOwner):
        as_owner(owner, lambda: member_leave(user=owner.user))


@pytest.mark.parametrize(
    "verb",
    [
        lambda who: member_role_set(member_id=who, role="viewer"),
        lambda who: member_groups_set(member_id=who, groups=("lab",)),
        lambda who: member_disable(member_id=who),
        lambda who: member_enable(member_id=who),
        lambda who: invitation_revoke(invitation_id=who),
        lambda who: invitation_renew(invitation_id=who),
    ],
    ids=["role", "groups", "disable", "enable", "revoke", "renew"],
)
def test_a_foreign_id_is_a_missing_one(owner: Member, stranger: Member, verb: Callable[[Any], Any]) -> None:
    theirs, _ = as_owner(stranger, lambda: invitation_create(email="x@example.org", role=Role.VIEWER))
    for somebody in (stranger.id, theirs.id, uuid4()):
        with pytest.raises(NotFound):
            as_owner(owner, lambda who=somebody: verb(who))  # type: ignore[misc]
    assert principal_from_session(stranger.user).role == "owner"


# Invitations


def invite(owner: Member) -> tuple[Invitation, str]:
    made: tuple[Invitation, str] = as_owner(
        owner, lambda: invitation_create(email=f"{uuid4().hex}@example.org", role=Role.VIEWER)
    )
    return made


def test_a_revoked_invitation_opens_nothing_and_answers_as_an_unknown_one(owner: Member) -> None:
    row, token = invite(owner)
    as_owner(owner, lambda: invitation_revoke(invitation_id=row.id))
    with pytest.raises(InvitationInvalid):
        invitation_accept(token=token, password=PASSWORD)
    assert last_audit(owner).action == "invitation.revoke"
    with pytest.raises(NotFound):
        as_owner(owner, lambda: invitation_revoke(invitation_id=row.id))
    with pytest.raises(NotFound):
        as_owner(owner, lambda: invitation_renew(invitation_id=row.id))


def test_a_renewed_invitation_has_a_new_link_and_the_old_one_ends(owner: Member) -> None:
    row, old = invite(owner)
    as_owner(
        owner,
        lambda: Invitation.objects.filter(id=row.id).update(expires_at=timezone.now() - timedelta(days=1)),
    )
    _, new = as_owner(owner, lambda: invitation_renew(invitation_id=row.id))
    with pytest.raises(InvitationInvalid):
        invitation_accept(token=old, password=PASSWORD)
    assert invitation_accept(token=new, password=PASSWORD).role == "viewer"
    with pytest.raises(NotFound):
        as_owner(owner, lambda: invitation_revoke(invitation_id=row.id))


# Login links


def test_a_login_link_lets_in_once(owner: Member) -> None:
    path = login_link_create(user=owner.user)
    token = path.removeprefix("/enter/")
    assert login_link_use(token=token) == owner.user
    with pytest.raises(LoginLinkInvalid):
        login_link_use(token=token)
    assert token not in str(list(LoginLink.objects.values()))


def test_of_two_who_use_a_login_link_at_once_one_comes_in(owner: Member) -> None:
    token = login_link_create(user=owner.user).removeprefix("/enter/")
    barrier = Barrier(2)

    def use(_: int) -> str:
        barrier.wait(timeout=30)
        try:
            return login_link_use(token=token).email
        except LoginLinkInvalid:
            return "refused"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(use, range(2))) == sorted([owner.user.email, "refused"])


def test_an_old_a_replaced_and_an_inactive_persons_link_are_refused(owner: Member, viewer: Member) -> None:
    replaced = login_link_create(user=owner.user)
    short = login_link_create(user=owner.user, minutes=0)
    inactive = login_link_create(user=viewer.user)
    User.objects.filter(id=viewer.user_id).update(is_active=False)
    time.sleep(0.01)
    for path in (replaced, short, inactive, "/enter/unknown", "/enter/"):
        with pytest.raises(LoginLinkInvalid):
            login_link_use(token=path.removeprefix("/enter/"))


def test_the_command_prints_a_link_and_refuses_the_unknown(owner: Member) -> None:
    out = StringIO()
    call_command("login", owner.user.email.upper(), stdout=out)
    assert login_link_use(token=out.getvalue().strip().removeprefix("/enter/")) == owner.user
    told = StringIO()
    with pytest.raises(SystemExit):
        call_command("login", "nobody@example.org", stderr=told)
    assert "Nobody" in told.getvalue()


def test_a_name_is_kept_without_what_cannot_be_seen(owner: Member) -> None:
    from liaoyuan.accounts.services import user_create

    user, _ = user_create(email=f"{uuid4().hex}@example.org", name=" 林\u200b\u202e  <b>黛</b>玉\x00\n ")
    assert user.name == "林 <b>黛</b>玉"


def test_adding_again_cleans_too(owner: Member, viewer: Member) -> None:
    with tenant_context(owner.organization_id, owner.user_id):
        again = member_add(user=viewer.user, role=Role.VIEWER, groups=("a\u200b", "a"))
    assert again.groups == ["a"]
