"""API keys: shown once, kept nowhere, worth no more than their member is today, and silent about why they fail."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.utils import timezone

from liaoyuan.accounts.errors import ScopeBeyondRole
from liaoyuan.accounts.models import ApiKey, AuditEvent, Member, Role, User
from liaoyuan.accounts.policy import ScopeMissing, allowed, require
from liaoyuan.accounts.resolver import (
    NotAuthenticated,
    principal_from_header,
    principal_from_key,
    principal_from_session,
    principals_of_user,
)
from liaoyuan.accounts.services import api_key_create, api_key_revoke, member_add, member_disable
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import LiaoyuanError, NotFound, PermissionDenied

Enter = Callable[..., AbstractContextManager[Any]]
ASK = frozenset({"ask"})


def make(member: Member, scopes: frozenset[str] = ASK, days: int | None = 365) -> tuple[ApiKey, str]:
    with tenant_context(member.organization_id, member.user_id):
        return api_key_create(member=member, name="laptop", scopes=scopes, days=days)


def change(key: ApiKey, **fields: object) -> None:
    with tenant_context(key.organization_id):
        ApiKey.objects.filter(id=key.id).update(**fields)


def refusal(raw: str) -> dict[str, Any]:
    with pytest.raises(NotAuthenticated) as error:
        principal_from_key(raw)
    return error.value.as_dict("en")


def second_owner(organization_id: UUID, of: Member) -> Member:
    """So that ``of`` is not the last owner."""
    with tenant_context(organization_id):
        user = User.objects.create_user(f"second-{of.id.hex}@example.org")
        return member_add(user=user, role=Role.OWNER)


# Making


def test_a_key_is_its_member_with_its_scopes(viewer: Member) -> None:
    _, raw = make(viewer, frozenset({"ask", "document.view"}))
    who = principal_from_key(raw)
    assert (who.user_id, who.organization_id, who.role) == (viewer.user_id, viewer.organization_id, "viewer")
    assert (who.scopes, who.channel) == (frozenset({"ask", "document.view"}), "key")


def test_scopes_beyond_the_role_are_refused_at_creation(viewer: Member) -> None:
    with pytest.raises(ScopeBeyondRole) as error:
        make(viewer, frozenset({"ask", "member.manage", "solution.run"}))
    assert error.value.params["scopes"] == "member.manage, solution.run"


@pytest.mark.parametrize("scopes", [frozenset(), frozenset({"*"}), frozenset({"unheard.of"})])
def test_no_scope_and_unknown_scopes_are_refused(owner: Member, scopes: frozenset[str]) -> None:
    with pytest.raises(ScopeBeyondRole):
        make(owner, scopes)


def test_the_secret_is_kept_nowhere(owner: Member, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key, raw = make(owner)
    principal_from_key(raw)
    secret = raw.rsplit("_", 1)[-1] if raw.count("_") == 2 else raw.split("_", 2)[2]
    with tenant_context(owner.organization_id):
        assert _tables_with(key.prefix) == ["accounts_apikey"], "the search must be able to find what is there"
        assert _tables_with(secret) == []
    assert secret not in caplog.text


def _tables_with(text: str) -> list[str]:
    """The tables in which some column of some row contains ``text``, for the application in the tenant's context."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        tables = [table for (table,) in cursor.fetchall()]
        found = []
        for table in tables:
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE strpos(t::text, %s) > 0', [text])  # noqa: S608 - names from the catalogue
            found += [table] if cursor.fetchone()[0] else []
    return found


def test_making_and_ending_a_key_is_in_the_audit_log(owner: Member, in_tenant: Enter) -> None:
    key, _ = make(owner)
    with tenant_context(owner.organization_id, owner.user_id):
        api_key_revoke(key_id=key.id)
        actions = AuditEvent.objects.filter(object_id=str(key.id)).order_by("seq").values_list("action", "actor")
        assert list(actions) == [("key.create", str(owner.user_id)), ("key.revoke", str(owner.user_id))]


# Using


@pytest.mark.parametrize("word", ["Bearer", "bearer", "BEARER"])
def test_the_word_bearer_in_any_case(owner: Member, word: str) -> None:
    _, raw = make(owner)
    assert principal_from_header(f"{word} {raw}").user_id == owner.user_id


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Basic {raw}", "Token {raw}", "{raw}", "Bearer {raw}x", "Bearer x{raw}"]
)
def test_other_headers_are_refused(owner: Member, header: str) -> None:
    _, raw = make(owner)
    with pytest.raises(NotAuthenticated):
        principal_from_header(header.format(raw=raw))


def test_the_last_use_is_noted_and_a_refusal_is_none(owner: Member) -> None:
    key, raw = make(owner)
    refusal(raw[:-1])
    with tenant_context(owner.organization_id):
        assert ApiKey.objects.get(id=key.id).last_used_at is None
    before = timezone.now()
    principal_from_key(raw)
    with tenant_context(owner.organization_id):
        used = ApiKey.objects.get(id=key.id).last_used_at
    assert used is not None
    assert before <= used <= timezone.now()


def test_two_keys_live_at_once_so_that_one_can_replace_the_other(owner: Member) -> None:
    (old, first), (_, second) = make(owner), make(owner)
    assert principal_from_key(first).user_id == principal_from_key(second).user_id
    with tenant_context(owner.organization_id):
        api_key_revoke(key_id=old.id)
    refusal(first)
    assert principal_from_key(second).user_id == owner.user_id


def test_a_key_does_not_outlive_its_days(owner: Member) -> None:
    key, raw = make(owner, days=30)
    assert key.expires_at is not None
    assert timedelta(days=29) < key.expires_at - timezone.now() < timedelta(days=31)
    change(key, expires_at=timezone.now() - timedelta(seconds=1))
    refusal(raw)


def test_zero_days_is_not_for_ever(owner: Member) -> None:
    refusal(make(owner, days=0)[1])
    assert make(owner, days=None)[0].expires_at is None


def test_what_the_role_loses_the_key_loses_at_once(owner: Member, organization: Any) -> None:
    second_owner(organization.id, owner)
    _, raw = make(owner, frozenset({"ask", "member.manage"}))
    require(principal_from_key(raw), "member.manage")
    with tenant_context(organization.id):
        member_add(user=owner.user, role=Role.VIEWER)
    who = principal_from_key(raw)
    assert allowed(who, "ask")
    with pytest.raises(PermissionDenied):
        require(who, "member.manage")


def test_what_the_role_gains_the_key_does_not(viewer: Member, organization: Any) -> None:
    _, raw = make(viewer)
    with tenant_context(organization.id):
        member_add(user=viewer.user, role=Role.STEWARD)
    who = principal_from_key(raw)
    assert who.role == "steward"
    with pytest.raises(ScopeMissing):
        require(who, "document.import")


# Refusals


def _revoked(key: ApiKey, member: Member) -> None:
    with tenant_context(key.organization_id):
        api_key_revoke(key_id=key.id)


def _expired(key: ApiKey, member: Member) -> None:
    change(key, expires_at=timezone.now() - timedelta(seconds=1))


def _disabled(key: ApiKey, member: Member) -> None:
    with tenant_context(key.organization_id):
        member_disable(member_id=member.id)


def _inactive(key: ApiKey, member: Member) -> None:
    User.objects.filter(id=member.user_id).update(is_active=False)


@pytest.mark.parametrize("cause", [_revoked, _expired, _disabled, _inactive])
def test_every_cause_has_the_same_answer(viewer: Member, cause: Callable[[ApiKey, Member], None]) -> None:
    key, raw = make(viewer)
    principal_from_key(raw)
    unknown = refusal("ly_" + "0" * 12 + "_" + "s" * 43)
    cause(key, viewer)
    assert refusal(raw) == unknown == refusal("not a key") == refusal(raw[:-2] + "xx")


def test_the_secret_of_one_key_does_not_open_another(owner: Member, viewer: Member) -> None:
    (first, _), (_, other) = make(owner), make(viewer)
    refusal(f"ly_{first.prefix}_{other.split('_', 2)[2]}")


def test_the_stored_digest_is_no_key(owner: Member) -> None:
    key, _ = make(owner)
    refusal(f"ly_{key.prefix}_{key.digest}")


def test_one_prefix_in_two_organizations_is_told_apart_by_the_secret(owner: Member, stranger: Member) -> None:
    (mine, my_raw), (theirs, their_raw) = make(owner), make(stranger)
    change(theirs, prefix=mine.prefix)
    shared = f"ly_{mine.prefix}_{their_raw.split('_', 2)[2]}"
    assert principal_from_key(my_raw).organization_id == owner.organization_id
    assert principal_from_key(shared).organization_id == stranger.organization_id


def test_a_strangers_key_cannot_be_ended(owner: Member, stranger: Member) -> None:
    key, raw = make(stranger)
    with pytest.raises(NotFound), tenant_context(owner.organization_id):
        api_key_revoke(key_id=key.id)
    assert principal_from_key(raw).organization_id == stranger.organization_id


def test_a_key_is_ended_once(owner: Member) -> None:
    key, _ = make(owner)
    with tenant_context(owner.organization_id):
        api_key_revoke(key_id=key.id)
        with pytest.raises(NotFound):
            api_key_revoke(key_id=key.id)


# Sessions


def test_a_user_is_somebody_else_in_each_organization(owner: Member, other_organization: Any) -> None:
    with tenant_context(other_organization.id):
        member_add(user=owner.user, role=Role.VIEWER, groups=("ward-1",))
    found = [(p.organization_id, p.role, p.document_groups) for p in principals_of_user(owner.user)]
    assert found == [(owner.organization_id, "owner", None), (other_organization.id, "viewer", ("ward-1",))]
    assert principal_from_session(owner.user, other_organization.id).role == "viewer"


def test_nobody_is_anybody_where_they_are_no_member(owner: Member, other_organization: Any) -> None:
    with pytest.raises(LiaoyuanError) as error:
        principal_from_session(owner.user, other_organization.id)
    assert error.value.code == "not_authenticated"


def test_an_inactive_user_has_no_session(owner: Member) -> None:
    user = owner.user
    user.is_active = False
    user.save()
    with pytest.raises(NotAuthenticated):
        principal_from_session(user)
