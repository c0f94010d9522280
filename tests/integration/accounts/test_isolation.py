"""Row-level security as it holds: the probes that other systems failed, each one tried here (§0.1, §3 d and f)."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import DataError, IntegrityError, ProgrammingError, connection, transaction

from liaoyuan.accounts.models import ApiKey, Member, Organization
from liaoyuan.accounts.services import member_add, user_create
from liaoyuan.accounts.tenancy import (
    TenantContextMissing,
    TenantContextNested,
    current_tenant,
    system_context,
    tenant_context,
)
from liaoyuan.knowledge.models import Collection, Document
from liaoyuan.pipeline.models import Solution
from tests.integration.accounts.test_catalogue import PROTECTED, SYSTEM_MAY, TENANT_TABLES

Enter = Callable[..., AbstractContextManager[Any]]
Connect = Callable[..., "psycopg.Connection[Any]"]
REFUSED = "new row violates row-level security policy"


def setting() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting('app.organization', true), '')")
        return str(cursor.fetchone()[0])


def collection(organization: Organization, name: str = "papers") -> Collection:
    return Collection.objects.create(organization_id=organization.id, name=name)


def names() -> list[str]:
    return list(Collection.objects.order_by("name").values_list("name", flat=True))


# Without a context


def test_without_a_context_every_table_is_empty(owner: Member, stranger: Member, as_role: Connect) -> None:
    with as_role() as plain:
        assert {table: plain.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in PROTECTED} == (  # noqa: S608 - names from the catalogue
            dict.fromkeys(PROTECTED, 0)
        )


def test_the_owner_of_the_tables_is_under_the_policies_too(owner: Member, as_role: Connect) -> None:
    with as_role("liaoyuan_owner") as plain:
        assert {plain.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in PROTECTED} == {0}  # noqa: S608 - names from the catalogue


def test_the_system_role_sees_only_what_is_listed(owner: Member, tenant: Any, as_role: Connect) -> None:
    with as_role("liaoyuan_system") as plain:
        hidden = [t for t in PROTECTED if "SELECT" not in SYSTEM_MAY.get(t, set())]
        assert {plain.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in hidden} == {0}  # noqa: S608 - names from the catalogue
        assert plain.execute("SELECT count(*) FROM accounts_member").fetchone()[0] > 0


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_without_a_context_nothing_can_be_written(organization: Organization, as_role: Connect, table: str) -> None:
    with as_role() as plain, pytest.raises(psycopg.errors.InsufficientPrivilege, match=REFUSED):
        # The columns that may not be null are left out: the policy is asked before they are.
        plain.execute(f"INSERT INTO {table} (organization_id) VALUES (%s)", [organization.id])  # noqa: S608 - names from the catalogue


def test_without_a_context_updates_and_deletes_find_nothing(owner: Member, as_role: Connect) -> None:
    with as_role() as plain:
        assert plain.execute("UPDATE accounts_member SET role = 'viewer'").rowcount == 0
        assert plain.execute("DELETE FROM accounts_member").rowcount == 0


def test_a_service_without_a_context_refuses(database: str) -> None:
    user, _ = user_create(email=f"{uuid4().hex}@example.org")
    with pytest.raises(TenantContextMissing):
        member_add(user=user, role="viewer")
    with pytest.raises(TenantContextMissing):
        current_tenant()


def test_set_local_outside_of_a_transaction_fails_closed(owner: Member, as_role: Connect) -> None:
    with as_role() as plain:
        plain.execute(f"SET LOCAL app.organization = '{owner.organization_id}'")
        assert plain.execute("SELECT count(*) FROM accounts_member").fetchone() == (0,)


def test_after_a_commit_the_setting_is_empty_and_no_error(owner: Member, as_role: Connect) -> None:
    with as_role() as plain:
        with plain.transaction():
            plain.execute("SELECT set_config('app.organization', %s, true)", [str(owner.organization_id)])
            assert plain.execute("SELECT count(*) FROM accounts_member").fetchone() == (1,)
        assert plain.execute("SELECT current_setting('app.organization', true)").fetchone() == ("",)
        assert plain.execute("SELECT count(*) FROM accounts_member").fetchone() == (0,)


def test_a_setting_that_is_no_identifier_is_an_error_and_never_a_row(owner: Member, as_role: Connect) -> None:
    with as_role() as plain, plain.transaction(), pytest.raises(psycopg.errors.InvalidTextRepresentation):
        plain.execute("SELECT set_config('app.organization', %s, true)", ["' OR true --"])
        plain.execute("SELECT count(*) FROM accounts_member")


# Two tenants


def test_each_sees_only_their_own(
    organization: Organization, other_organization: Organization, in_tenant: Enter
) -> None:
    with in_tenant(organization):
        collection(organization, "ours")
    with in_tenant(other_organization):
        collection(other_organization, "theirs")
        assert names() == ["theirs"]
    with in_tenant(organization):
        assert names() == ["ours"]
        assert [o.id for o in Organization.objects.all()] == [organization.id]


def test_a_row_cannot_be_written_for_another(
    organization: Organization, other_organization: Organization, in_tenant: Enter
) -> None:
    with pytest.raises(ProgrammingError, match=REFUSED), in_tenant(organization):
        collection(other_organization)


def test_a_row_cannot_be_moved_to_another(
    organization: Organization, other_organization: Organization, in_tenant: Enter
) -> None:
    with in_tenant(organization):
        ours = collection(organization)
    with pytest.raises(ProgrammingError, match=REFUSED), in_tenant(organization):
        Collection.objects.filter(id=ours.id).update(organization_id=other_organization.id)


def test_a_row_cannot_point_to_anothers_row(
    organization: Organization, other_organization: Organization, in_tenant: Enter
) -> None:
    """The plain foreign key alone would accept it."""
    with in_tenant(other_organization):
        theirs = collection(other_organization)
    with pytest.raises(IntegrityError, match="same_tenant"), in_tenant(organization):
        Document.objects.create(organization_id=organization.id, collection_id=theirs.id, name="a.pdf")


def test_names_in_use_elsewhere_are_free_here(
    organization: Organization, other_organization: Organization, in_tenant: Enter
) -> None:
    for who in (organization, other_organization):
        with in_tenant(who):
            collection(who, "same")
            Solution.objects.create(organization_id=who.id, name="same", industry="medical", scenario="guideline_qa")
    with pytest.raises(IntegrityError), in_tenant(organization):
        collection(organization, "same")


def test_a_prefix_in_use_elsewhere_is_free_here(owner: Member, stranger: Member) -> None:
    for member in (owner, stranger):
        with tenant_context(member.organization_id):
            ApiKey.objects.create(
                organization_id=member.organization_id, member=member, name="k", prefix="0" * 12, digest="d"
            )


def test_counts_and_aggregates_stay_inside(
    organization: Organization, other_organization: Organization, in_tenant: Enter, as_role: Connect
) -> None:
    with in_tenant(other_organization):
        collection(other_organization, f"hidden {uuid4()}")
    with in_tenant(organization), connection.cursor() as cursor:
        cursor.execute("SELECT count(*), max(name) FROM knowledge_collection")
        assert cursor.fetchone() == (0, None)


# The context itself


def test_the_context_ends_with_its_transaction(organization: Organization, in_tenant: Enter) -> None:
    with in_tenant(organization):
        assert setting() == str(organization.id)
    assert setting() == ""
    assert names() == []


def test_an_exception_rolls_back_and_ends_the_context(organization: Organization, in_tenant: Enter) -> None:
    with pytest.raises(ZeroDivisionError), in_tenant(organization):
        collection(organization)
        raise ZeroDivisionError
    assert setting() == ""
    with pytest.raises(TenantContextMissing):
        current_tenant()
    with in_tenant(organization):
        assert names() == []


def test_a_database_error_ends_the_context(organization: Organization, in_tenant: Enter) -> None:
    with pytest.raises(DataError), in_tenant(organization), connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")
    assert setting() == ""


def test_another_organization_inside_is_refused(
    organization: Organization, other_organization: Organization, in_tenant: Enter
) -> None:
    with in_tenant(organization):
        collection(organization, "ours")
        with pytest.raises(TenantContextNested), in_tenant(other_organization):
            pytest.fail("entered")
        assert current_tenant().organization_id == organization.id
        assert names() == ["ours"]


def test_the_same_organization_inside_joins_and_gives_back(organization: Organization, owner: Member) -> None:
    with tenant_context(organization.id, owner.user_id):
        with tenant_context(organization.id, None, groups=("ward-1",)) as inner:
            assert inner.groups == ("ward-1",)
            collection(organization, "inside")
        assert current_tenant().user_id == owner.user_id
        assert names() == ["inside"]
    assert names() == []


def test_an_exception_inside_leaves_the_outer_context(organization: Organization, in_tenant: Enter) -> None:
    with in_tenant(organization):
        collection(organization, "outer")
        with pytest.raises(ZeroDivisionError), in_tenant(organization):
            collection(organization, "inner")
            raise ZeroDivisionError
        assert setting() == str(organization.id)
        assert names() == ["outer"]


def test_in_somebody_elses_transaction_the_setting_is_taken_back(
    organization: Organization, other_organization: Organization, in_tenant: Enter
) -> None:
    """``SET LOCAL`` lives until the outermost transaction ends; the context must not."""
    with transaction.atomic():
        with in_tenant(organization):
            collection(organization, "ours")
        assert setting() == ""
        assert names() == []
        with in_tenant(other_organization):
            assert names() == []
    with in_tenant(organization):
        assert names() == ["ours"]


def test_the_organization_must_be_an_identifier(database: str) -> None:
    with pytest.raises(ValueError, match="badly formed"), tenant_context("' OR true --"):
        pytest.fail("entered")


def test_the_system_context_cannot_read_what_is_not_listed(organization: Organization, in_tenant: Enter) -> None:
    with in_tenant(organization):
        collection(organization)
    with system_context("test") as alias:
        assert not Collection.objects.using(alias).exists()


def test_the_system_context_cannot_write_what_is_not_listed(owner: Member) -> None:
    with system_context("test") as alias:
        assert Member.objects.using(alias).filter(id=owner.id).update(role="viewer") == 0
        assert Member.objects.using(alias).filter(id=owner.id).delete()[0] == 0
