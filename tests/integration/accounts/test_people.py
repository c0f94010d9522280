"""Members and invitations: who comes in, who goes out, and that somebody always holds the keys."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.hashers import identify_hasher
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connections
from django.utils import timezone

from liaoyuan.accounts.errors import InvitationInvalid, LastOwner
from liaoyuan.accounts.keys import key_make, secret_digest
from liaoyuan.accounts.models import AuditEvent, Invitation, Member, Organization, Role, User
from liaoyuan.accounts.resolver import NotAuthenticated, principal_from_session, principals_of_user
from liaoyuan.accounts.services import invitation_accept, invitation_create, member_add, member_disable, user_create
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import NotFound

Enter = Callable[..., AbstractContextManager[Any]]
PASSWORD = "a long walk in the rain"


def address() -> str:
    return f"{uuid4().hex}@example.org"


def invite(owner: Member, email: str, role: Role = Role.VIEWER, **how: Any) -> tuple[Invitation, str]:
    with tenant_context(owner.organization_id, owner.user_id):
        return invitation_create(email=email, role=role, **how)


def refused(token: str) -> dict[str, Any]:
    with pytest.raises(InvitationInvalid) as error:
        invitation_accept(token=token, password=PASSWORD)
    return error.value.as_dict("en")


# Invitations


def test_an_invitation_makes_a_user_and_a_member(owner: Member) -> None:
    email = address()
    _, token = invite(owner, email, Role.STEWARD, groups=("ward-1",))
    member = invitation_accept(token=token, password=PASSWORD, name="Lin")
    assert (member.organization_id, member.role, member.groups) == (owner.organization_id, "steward", ["ward-1"])
    user = User.objects.get(email=email)
    assert user.check_password(PASSWORD)
    assert identify_hasher(user.password).algorithm == "argon2"
    assert not user.is_staff
    assert not user.is_superuser
    assert principal_from_session(user).role == "steward"


def test_a_token_works_once(owner: Member) -> None:
    _, token = invite(owner, address())
    invitation_accept(token=token, password=PASSWORD)
    assert refused(token)["code"] == "invitation_invalid"


def test_of_two_who_use_a_token_at_once_one_comes_in(owner: Member) -> None:
    _, token = invite(owner, address())
    barrier = Barrier(2)

    def accept(_: int) -> str:
        barrier.wait(timeout=30)
        try:
            return str(invitation_accept(token=token, password=PASSWORD).role)
        except (InvitationInvalid, IntegrityError) as error:
            return type(error).__name__
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(accept, range(2))) == ["InvitationInvalid", "viewer"]


def test_an_expired_an_unknown_and_a_used_token_have_one_answer(owner: Member) -> None:
    (late, expired), (_, used) = invite(owner, address()), invite(owner, address())
    with tenant_context(owner.organization_id):
        Invitation.objects.filter(id=late.id).update(expires_at=timezone.now() - timedelta(seconds=1))
    invitation_accept(token=used, password=PASSWORD)
    assert refused(expired) == refused(used) == refused("unknown") == refused("")


def test_a_token_made_for_another_purpose_does_not_open(owner: Member) -> None:
    """Even when its digest as a key stands in the table of invitations."""
    raw, _, digest = key_make()
    secret = raw.split("_", 2)[2]
    row, _ = invite(owner, address())
    with tenant_context(owner.organization_id):
        Invitation.objects.filter(id=row.id).update(digest=digest)
    refused(secret)
    assert secret_digest(secret, purpose="invitation") != digest


def test_the_token_is_not_kept(owner: Member) -> None:
    row, token = invite(owner, address())
    with tenant_context(owner.organization_id):
        kept = str(Invitation.objects.filter(id=row.id).values())
        logged = str(list(AuditEvent.objects.values()))
    assert token not in kept
    assert token not in logged


@pytest.mark.parametrize("password", ["", "short", "123456789012345", "password1234", "aaaaaaaaaaa"])
def test_a_weak_password_is_refused_and_burns_nothing(owner: Member, password: str) -> None:
    email = address()
    row, token = invite(owner, email)
    with pytest.raises(ValidationError):
        invitation_accept(token=token, password=password)
    assert not User.objects.filter(email=email).exists()
    with tenant_context(owner.organization_id):
        assert Invitation.objects.get(id=row.id).accepted_at is None
    assert invitation_accept(token=token, password=PASSWORD).role == "viewer"


def test_a_password_like_the_address_is_refused(owner: Member) -> None:
    _, token = invite(owner, "gertrude.stein.1874@example.org")
    with pytest.raises(ValidationError):
        invitation_accept(token=token, password="gertrude.stein.1874")


def test_a_known_user_keeps_their_password(owner: Member, stranger: Member) -> None:
    user = stranger.user
    user.set_password("what they had before")
    user.save()
    _, token = invite(owner, user.email)
    member = invitation_accept(token=token, password=PASSWORD)
    assert member.user_id == user.id
    user.refresh_from_db()
    assert user.check_password("what they had before")
    assert not user.check_password(PASSWORD)
    assert {p.organization_id for p in principals_of_user(user)} == {owner.organization_id, stranger.organization_id}


def test_the_case_of_an_address_does_not_make_a_second_person(owner: Member) -> None:
    email = address()
    first, _ = user_create(email=email.upper())
    assert first.email == email
    _, token = invite(owner, email.title())
    assert invitation_accept(token=token, password=PASSWORD).user_id == first.id
    assert user_create(email=email.swapcase()) == (first, False)


def test_an_invitation_does_not_bring_back_who_was_disabled(owner: Member, viewer: Member) -> None:
    _, token = invite(owner, viewer.user.email, Role.OWNER)
    with tenant_context(owner.organization_id):
        member_disable(member_id=viewer.id)
    refused(token)
    assert principals_of_user(viewer.user) == []


def test_an_old_invitation_does_not_take_the_last_owner_down(owner: Member) -> None:
    _, token = invite(owner, owner.user.email, Role.VIEWER)
    with pytest.raises(LastOwner):
        invitation_accept(token=token, password=PASSWORD)
    assert principal_from_session(owner.user).role == "owner"


def test_invitations_are_in_the_audit_log(owner: Member) -> None:
    row, token = invite(owner, address(), Role.STEWARD)
    invitation_accept(token=token, password=PASSWORD)
    with tenant_context(owner.organization_id):
        actions = list(AuditEvent.objects.order_by("seq").values_list("action", flat=True))
        assert AuditEvent.objects.get(object_id=str(row.id)).detail == {"role": "steward"}
    assert actions[-2:] == ["invitation.create", "member.add"]


# Members


def test_a_disabled_member_is_out_at_once(organization: Organization, owner: Member, viewer: Member) -> None:
    assert principal_from_session(viewer.user).role == "viewer"
    with tenant_context(organization.id, owner.user_id):
        member_disable(member_id=viewer.id)
    with pytest.raises(NotAuthenticated):
        principal_from_session(viewer.user)
    with tenant_context(organization.id):
        assert AuditEvent.objects.get(action="member.disable").actor == str(owner.user_id)


def test_the_last_owner_can_neither_be_disabled_nor_lowered(owner: Member, steward: Member) -> None:
    with tenant_context(owner.organization_id):
        with pytest.raises(LastOwner):
            member_disable(member_id=owner.id)
        with pytest.raises(LastOwner):
            member_add(user=owner.user, role=Role.STEWARD)
        member_add(user=owner.user, role=Role.OWNER, groups=("board",))
    assert principal_from_session(owner.user).role == "owner"


def test_with_a_second_owner_the_first_may_go(owner: Member, steward: Member) -> None:
    with tenant_context(owner.organization_id):
        member_add(user=steward.user, role=Role.OWNER)
        member_disable(member_id=owner.id)
        with pytest.raises(LastOwner):
            member_disable(member_id=steward.id)


def test_a_disabled_owner_does_not_count(owner: Member, steward: Member) -> None:
    with tenant_context(owner.organization_id):
        member_add(user=steward.user, role=Role.OWNER)
        member_disable(member_id=steward.id)
        with pytest.raises(LastOwner):
            member_disable(member_id=owner.id)


def test_two_owners_who_disable_each_other_at_once_leave_one(owner: Member, steward: Member, catalogue: Any) -> None:
    with tenant_context(owner.organization_id):
        member_add(user=steward.user, role=Role.OWNER)

    def disable(member: Member) -> str:
        try:
            with tenant_context(owner.organization_id):
                member_disable(member_id=member.id)
            return "disabled"
        except LastOwner:
            return "refused"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with tenant_context(owner.organization_id):
            member_disable(member_id=owner.id)
            second = pool.submit(disable, steward)
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('tuple', 'transactionid')"
            deadline = time.monotonic() + 20
            while not second.done() and catalogue(waiting) == [(0,)] and time.monotonic() < deadline:
                time.sleep(0.01)
            assert not second.done(), "the second must wait for what the first decides"
        assert second.result(timeout=30) == "refused"


def test_a_stranger_and_a_disabled_member_are_not_found(owner: Member, viewer: Member, stranger: Member) -> None:
    with tenant_context(owner.organization_id):
        member_disable(member_id=viewer.id)
        for somebody in (viewer.id, stranger.id, uuid4()):
            with pytest.raises(NotFound):
                member_disable(member_id=somebody)
    assert principal_from_session(stranger.user).role == "owner"


def test_a_place_is_held_once_and_takes_the_new_role(viewer: Member) -> None:
    with tenant_context(viewer.organization_id):
        again = member_add(user=viewer.user, role=Role.DEVELOPER, groups=("lab",))
        assert again.id == viewer.id
        assert Member.objects.filter(user=viewer.user).count() == 1
    assert principal_from_session(viewer.user).groups == ("lab",)
