"""The audit chain: nothing can be changed by the usual ways, and what is changed by force is found."""

import json
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from io import StringIO
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, connections, transaction

from liaoyuan.accounts.anchors import anchors_write_all
from liaoyuan.accounts.audit import link_digest
from liaoyuan.accounts.models import AuditEvent, Member, Organization
from liaoyuan.accounts.selectors import audit_verify
from liaoyuan.accounts.services import audit_record
from liaoyuan.accounts.tenancy import TenantContextMissing, tenant_context

Enter = Callable[..., AbstractContextManager[Any]]
LENGTH = 6


@pytest.fixture
def chain(organization: Organization) -> Organization:
    """An organization with six links."""
    with tenant_context(organization.id):
        for number in range(LENGTH):
            audit_record(action="test.do", object_kind="thing", object_id=str(number), detail={"n": number})
    return organization


def tamper(statement: str, *values: object) -> None:
    """What only somebody with the owner's password can do: the trigger and the policies are put out of the way."""
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_auditevent DISABLE TRIGGER USER, NO FORCE ROW LEVEL SECURITY")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement, values)
        assert cursor.rowcount > 0
        cursor.execute("ALTER TABLE accounts_auditevent ENABLE TRIGGER USER, FORCE ROW LEVEL SECURITY")


def command(verb: str, organization: Organization) -> dict[str, Any]:
    out = StringIO()
    call_command("audit", verb, "--organization", organization.name, "--json", stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return answer


def verdict(organization: Organization) -> tuple[bool, int | None]:
    answer = command("verify", organization)
    return answer["ok"], answer["first_bad"]


# A whole chain


def test_a_chain_verifies(chain: Organization) -> None:
    answer = command("verify", chain)
    assert (answer["ok"], answer["checked"], answer["first_bad"]) == (True, LENGTH, None)
    assert len(answer["head"]) == 64


def test_a_new_organization_has_an_empty_whole_chain(organization: Organization) -> None:
    assert command("verify", organization)["checked"] == 0
    assert command("anchor", organization)["ok"]


def test_links_name_who_did_it(owner: Member) -> None:
    with tenant_context(owner.organization_id, owner.user_id):
        assert audit_record(action="a", object_kind="k", object_id="1").actor == str(owner.user_id)
    with tenant_context(owner.organization_id):
        assert audit_record(action="a", object_kind="k", object_id="1").actor == "system"


@pytest.mark.parametrize(
    "value",
    [
        1e22,
        1e-7,
        -0.0,
        1.0,
        math.nan,
        math.inf,
        2**70,
        "中文 😀",
        "nul \x00 here",
        "half \ud800",
        {"b": 1, "a": [None]},
    ],
)
def test_whatever_the_detail_the_chain_holds(organization: Organization, value: object) -> None:
    with tenant_context(organization.id):
        audit_record(action="a", object_kind="k", object_id="1", detail={"value": value, "id": uuid4()})
    assert verdict(organization) == (True, None)


def test_a_link_falls_with_its_transaction_and_leaves_no_gap(chain: Organization) -> None:
    with pytest.raises(ZeroDivisionError), tenant_context(chain.id):
        audit_record(action="never", object_kind="k", object_id="1")
        raise ZeroDivisionError
    with tenant_context(chain.id):
        assert audit_record(action="a", object_kind="k", object_id="1").seq == LENGTH + 1
    assert verdict(chain) == (True, None)


def test_two_writers_at_once_do_not_fork_the_chain(chain: Organization) -> None:
    barrier = Barrier(4)

    def write(writer: int) -> None:
        barrier.wait(timeout=30)
        try:
            for number in range(10):
                with tenant_context(chain.id):
                    audit_record(action="race", object_kind=str(writer), object_id=str(number))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    answer = command("verify", chain)
    assert (answer["ok"], answer["checked"]) == (True, LENGTH + 40)


def test_a_link_needs_a_context(database: str) -> None:
    with pytest.raises(TenantContextMissing):
        audit_record(action="a", object_kind="k", object_id="1")


def test_another_organizations_links_are_invisible(chain: Organization, other_organization: Organization) -> None:
    with tenant_context(other_organization.id):
        assert not AuditEvent.objects.exists()
        assert audit_verify().checked == 0
        assert audit_record(action="a", object_kind="k", object_id="1").seq == 1
    assert command("verify", chain)["checked"] == LENGTH


# What the database refuses


@pytest.mark.parametrize(
    "statement",
    ["UPDATE accounts_auditevent SET actor = 'nobody'", "DELETE FROM accounts_auditevent"],
)
def test_the_application_cannot_change_or_remove_a_link(chain: Organization, statement: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), tenant_context(chain.id), connection.cursor() as cursor:
        cursor.execute(statement)
    assert verdict(chain) == (True, None)


def test_neither_application_nor_owner_can_truncate(chain: Organization, as_role: Callable[..., Any]) -> None:
    with as_role("liaoyuan_app") as plain, pytest.raises(psycopg.errors.InsufficientPrivilege):
        plain.execute("TRUNCATE accounts_auditevent")
    with as_role("liaoyuan_owner") as plain, pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        plain.execute("TRUNCATE accounts_auditevent")


def test_an_organization_with_a_history_cannot_be_deleted(chain: Organization) -> None:
    with pytest.raises(DatabaseError, match="append-only"), tenant_context(chain.id):
        Organization.objects.filter(id=chain.id).delete()


# What force can do, and what is found


def test_an_edit_is_found(chain: Organization) -> None:
    tamper("UPDATE accounts_auditevent SET detail = '{\"n\": 99}' WHERE organization_id = %s AND seq = 3", chain.id)
    assert verdict(chain) == (False, 3)


@pytest.mark.parametrize("column", ["actor", "action", "object_kind", "object_id"])
def test_an_edit_of_any_word_is_found(chain: Organization, column: str) -> None:
    tamper(f"UPDATE accounts_auditevent SET {column} = 'else' WHERE organization_id = %s AND seq = 2", chain.id)  # noqa: S608 - names above
    assert verdict(chain) == (False, 2)


def test_a_shifted_clock_is_found(chain: Organization) -> None:
    tamper(
        "UPDATE accounts_auditevent SET at = at + interval '1 microsecond' WHERE organization_id = %s AND seq = 1",
        chain.id,
    )
    assert verdict(chain) == (False, 1)


def test_a_deletion_is_found(chain: Organization) -> None:
    tamper("DELETE FROM accounts_auditevent WHERE organization_id = %s AND seq = 4", chain.id)
    assert verdict(chain) == (False, 5)


def test_a_deletion_with_the_numbers_closed_up_is_found(chain: Organization) -> None:
    tamper("DELETE FROM accounts_auditevent WHERE organization_id = %s AND seq = 4", chain.id)
    for seq in (5, 6):
        tamper("UPDATE accounts_auditevent SET seq = seq - 1 WHERE organization_id = %s AND seq = %s", chain.id, seq)
    assert verdict(chain) == (False, 4)


def test_a_swap_is_found(chain: Organization) -> None:
    for old, new in ((2, 1002), (3, 2), (1002, 3)):
        tamper("UPDATE accounts_auditevent SET seq = %s WHERE organization_id = %s AND seq = %s", new, chain.id, old)
    assert verdict(chain) == (False, 2)


def test_an_edit_with_its_digest_made_to_fit_is_found_at_the_next_link(chain: Organization) -> None:
    forge(chain, 3)
    assert verdict(chain) == (False, 4)


def test_a_chain_cut_at_its_end_is_found_by_its_anchor(chain: Organization) -> None:
    assert command("anchor", chain)["ok"]
    tamper("DELETE FROM accounts_auditevent WHERE organization_id = %s AND seq > 4", chain.id)
    assert verdict(chain) == (False, LENGTH)


def test_a_cut_end_that_grew_again_is_found_by_its_anchor(chain: Organization) -> None:
    command("anchor", chain)
    tamper("DELETE FROM accounts_auditevent WHERE organization_id = %s AND seq > 4", chain.id)
    with tenant_context(chain.id):
        for number in range(5):
            audit_record(action="test.else", object_kind="thing", object_id=str(number))
        assert audit_verify().ok, "the chain alone cannot tell"
    assert verdict(chain) == (False, LENGTH)


def test_a_chain_forged_from_one_link_to_the_end_is_found_by_its_anchor(chain: Organization) -> None:
    command("anchor", chain)
    for seq in range(3, LENGTH + 1):
        forge(chain, seq)
    with tenant_context(chain.id):
        assert audit_verify().ok, "the chain alone cannot tell"
    assert verdict(chain) == (False, LENGTH)


def test_a_chain_that_is_not_whole_is_not_anchored(chain: Organization) -> None:
    tamper("DELETE FROM accounts_auditevent WHERE organization_id = %s AND seq = 2", chain.id)
    assert command("anchor", chain)["ok"] is False
    assert not anchors(chain).exists()


def test_the_hourly_round_anchors_what_grew_once_and_leaves_a_broken_chain_alone(
    chain: Organization, other_organization: Organization
) -> None:
    with tenant_context(other_organization.id):
        for number in range(3):
            audit_record(action="a", object_kind="k", object_id=str(number))
    tamper("DELETE FROM accounts_auditevent WHERE organization_id = %s AND seq = 2", other_organization.id)
    for _ in range(2):
        anchors_write_all()
    assert [json.loads(line)["seq"] for line in anchors(chain).read_text().splitlines()] == [LENGTH]
    assert not anchors(other_organization).exists()


def test_growth_after_an_anchor_is_no_offence(chain: Organization) -> None:
    for _ in range(2):
        command("anchor", chain)
        with tenant_context(chain.id):
            audit_record(action="a", object_kind="k", object_id="1")
    assert verdict(chain) == (True, None)
    assert [json.loads(line)["seq"] for line in anchors(chain).read_text().splitlines()] == [LENGTH, LENGTH + 1]


def test_an_unknown_organization_is_an_error_that_says_what_to_do(database: str) -> None:
    told = StringIO()
    with pytest.raises(SystemExit) as stop:
        call_command("audit", "verify", "--organization", f"no {uuid4()}", stderr=told)
    assert stop.value.code == 1
    assert "organization create" in told.getvalue()


def anchors(organization: Organization) -> Path:
    return Path(settings.VAR) / "audit" / f"{organization.id}.jsonl"


def forge(organization: Organization, seq: int) -> None:
    """Rewrite one link, tied to the one before as it is now, with a digest that fits."""
    with tenant_context(organization.id):
        before, event = AuditEvent.objects.get(seq=seq - 1), AuditEvent.objects.get(seq=seq)
    event.actor, event.previous = "somebody else", before.digest
    tamper(
        "UPDATE accounts_auditevent SET actor = %s, previous = %s, digest = %s WHERE organization_id = %s AND seq = %s",
        event.actor,
        event.previous,
        link_digest(event),
        organization.id,
        seq,
    )
