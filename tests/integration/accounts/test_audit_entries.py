"""Reading the audit log: newest first, page by page while it grows, by actor, action, subject and period."""

from datetime import timedelta
from uuid import uuid4

import pytest

from liaoyuan.accounts.models import Member, Organization
from liaoyuan.accounts.selectors import AuditFilter, actor_names, audit_actions, audit_entries
from liaoyuan.accounts.services import audit_record
from liaoyuan.accounts.tenancy import tenant_context


@pytest.fixture
def log(organization: Organization, owner: Member, viewer: Member) -> Organization:
    """Twelve links after those that made the two members: half by the owner, half by the viewer."""
    for number in range(12):
        who = owner if number % 2 else viewer
        with tenant_context(owner.organization_id, who.user_id):
            kind = "document" if number < 6 else "run"
            audit_record(action=f"{kind}.do", object_kind=kind, object_id=f"id-{number}", detail={"n": number})
    return organization


def test_pages_are_newest_first_and_do_not_shift_when_the_log_grows(log: Organization) -> None:
    with tenant_context(log.id):
        first = audit_entries(AuditFilter(), limit=5)
        audit_record(action="late.do", object_kind="late", object_id="1")
        second = audit_entries(AuditFilter(), before=first.after, limit=5)
        rest = audit_entries(AuditFilter(), before=second.after, limit=5)
    seqs = [entry.seq for page in (first, second, rest) for entry in page.entries]
    assert seqs == list(range(14, 0, -1))
    assert rest.after is None


def test_filters_narrow_and_combine(log: Organization, owner: Member) -> None:
    with tenant_context(log.id):
        by_owner = audit_entries(AuditFilter(actor=str(owner.user_id))).entries
        documents = audit_entries(AuditFilter(action="document")).entries
        both = audit_entries(AuditFilter(actor=str(owner.user_id), action="document.do", subject="document")).entries
        one = audit_entries(AuditFilter(subject="id-11")).entries
        nothing = audit_entries(AuditFilter(action="docu")).entries
    assert (len(by_owner), len(documents), len(both), len(nothing)) == (6, 6, 3, 0)
    assert [entry.detail["n"] for entry in one] == [11]


def test_a_period_has_its_beginning_and_not_its_end(log: Organization) -> None:
    with tenant_context(log.id):
        entries = audit_entries(AuditFilter(), limit=200).entries
        middle = entries[4].at
        after = audit_entries(AuditFilter(since=middle)).entries
        before = audit_entries(AuditFilter(until=middle)).entries
        none = audit_entries(AuditFilter(since=entries[0].at + timedelta(days=1))).entries
    assert len(after) + len(before) == len(entries)
    assert middle in {entry.at for entry in after} - {entry.at for entry in before}
    assert none == ()


def test_a_page_is_never_empty_by_mistake_nor_without_end(log: Organization) -> None:
    with tenant_context(log.id):
        assert len(audit_entries(AuditFilter(), limit=0).entries) == 1
        assert len(audit_entries(AuditFilter(), limit=10_000).entries) == 14
        assert audit_entries(AuditFilter(subject="%")).entries == ()


def test_actors_have_names_and_strangers_have_none(log: Organization, owner: Member, stranger: Member) -> None:
    with tenant_context(log.id):
        names = actor_names([str(owner.user_id), str(stranger.user_id), str(uuid4()), "system", "odd"])
        actions = audit_actions()
    assert names == {str(owner.user_id): owner.user.email}
    assert actions == ["document.do", "member.add", "run.do"]


def test_another_organization_reads_its_own(log: Organization, stranger: Member) -> None:
    with tenant_context(stranger.organization_id):
        assert {entry.action for entry in audit_entries(AuditFilter()).entries} == {"member.add"}
