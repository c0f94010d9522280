"""A suspended organization: its members are told, its keys refused, its jobs wait with a reason; nothing is lost."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from liaoyuan.accounts.models import AuditEvent, Organization
from liaoyuan.accounts.policy import OrganizationSuspended, allowed, require
from liaoyuan.accounts.resolver import principal_from_session
from liaoyuan.accounts.services import api_key_create
from liaoyuan.accounts.tenancy import system_context, tenant_context
from liaoyuan.broker import QUEUES
from liaoyuan.pipeline.models import StageRun
from liaoyuan.pipeline.services import doorbells_ring
from liaoyuan.pipeline.services.fencing import run_claim
from liaoyuan.pipeline.waiting import wait_report


@pytest.fixture
def suspended(operator: Client, organization: Any) -> Any:
    address = reverse("console_organization_suspend", args=[organization.id])
    assert operator.post(address, {"reason": "unpaid since March"}).status_code == 302
    return organization


def resume(operator: Client, organization: Any) -> None:
    assert operator.post(reverse("console_organization_resume", args=[organization.id])).status_code == 302


def rung() -> set[str]:
    found: set[str] = set()
    doorbells_ring(ring=lambda run_id, _queue: found.add(run_id), depth=dict.fromkeys(QUEUES, 0).__getitem__)
    return found


def test_members_get_a_page_that_says_so(suspended: Any, owner: Any, signed_in: Any, operator: Client) -> None:
    client = signed_in(owner.user)
    page = client.get("/")
    assert page.status_code == 403
    assert b"suspended by the platform" in page.content
    resume(operator, suspended)
    assert client.get("/").status_code == 200


def test_keys_are_refused_with_403_and_work_again_afterwards(suspended: Any, owner: Any, operator: Client) -> None:
    with tenant_context(suspended.id, owner.user_id):
        _, raw = api_key_create(member=owner, name="k", scopes=frozenset({"solution.view"}))
    headers = {"Authorization": f"Bearer {raw}"}
    refused = Client().get("/api/v1/solutions", headers=headers)
    assert refused.status_code == 403
    assert "organization_suspended" in refused.content.decode()
    resume(operator, suspended)
    assert Client().get("/api/v1/solutions", headers=headers).status_code == 200


def test_no_role_may_do_anything(suspended: Any, owner: Any) -> None:
    who = principal_from_session(owner.user)
    assert not allowed(who, "solution.view")
    with pytest.raises(OrganizationSuspended):
        require(who, "solution.view")


def test_its_jobs_wait_with_that_reason_and_go_on_afterwards(run: Any, suspended: Any, operator: Client) -> None:
    assert str(run.id) not in rung()
    assert run_claim(run_id=run.id, worker="w:1") is None
    with tenant_context(suspended.id):
        waiting = wait_report(StageRun.objects.get(id=run.id))
    assert waiting is not None
    assert waiting.kind == "suspended"
    overview = operator.get("/console/").content.decode()
    assert "The organization is suspended" in overview

    resume(operator, suspended)
    assert run_claim(run_id=run.id, worker="w:1") is not None


def test_it_says_why_in_its_own_log_and_twice_is_once(suspended: Any, operator: Client) -> None:
    operator.post(reverse("console_organization_suspend", args=[suspended.id]), {"reason": "again"})
    resume(operator, suspended)
    resume(operator, suspended)
    with tenant_context(suspended.id):
        events = list(AuditEvent.objects.filter(action__startswith="organization.").order_by("seq"))
    assert [(e.action, e.detail["reason"]) for e in events] == [
        ("organization.suspend", "unpaid since March"),
        ("organization.resume", ""),
    ]


def test_a_suspension_without_a_reason_is_refused(operator: Client, organization: Any) -> None:
    operator.post(reverse("console_organization_suspend", args=[organization.id]), {"reason": "  "})
    with system_context("test") as alias:
        assert Organization.objects.using(alias).get(id=organization.id).suspended_at is None


def test_a_person_of_two_organizations_still_works_in_the_other(
    suspended: Any, owner: Any, other_organization: Any
) -> None:
    from liaoyuan.accounts.models import Role
    from liaoyuan.accounts.services import member_add

    with tenant_context(other_organization.id):
        member_add(user=owner.user, role=Role.VIEWER)
    assert allowed(principal_from_session(owner.user, other_organization.id), "solution.view")
