"""The test database itself: migrated, under row-level security, one tenant never sees another."""

from typing import Any

from liaoyuan.accounts.models import Member


def test_each_tenant_sees_only_its_own_members(
    organization: Any, other_organization: Any, owner: Any, stranger: Any, in_tenant: Any
) -> None:
    with in_tenant(organization):
        assert set(Member.objects.values_list("id", flat=True)) == {owner.id}
    with in_tenant(other_organization):
        assert set(Member.objects.values_list("id", flat=True)) == {stranger.id}


def test_without_a_tenant_context_there_is_no_row(owner: Any) -> None:
    assert Member.objects.count() == 0


def test_the_tenant_fixture_works_as_the_owner(tenant: Any, owner: Any) -> None:
    assert Member.objects.get().user_id == owner.user_id == tenant.user_id
