"""What operators change is done, is asked of nobody else, and stands in both chains."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connections, transaction
from django.test import Client
from django.urls import reverse

from liaoyuan.accounts.models import AuditEvent, Invitation, Organization
from liaoyuan.accounts.tenancy import system_context, tenant_context
from liaoyuan.console.audit import operators_verify
from liaoyuan.console.models import OperatorEvent
from liaoyuan.pipeline.models import Outbox, StageEvent, StageRun


def chain(organization: Any, action: str) -> list[AuditEvent]:
    with tenant_context(organization.id):
        return list(AuditEvent.objects.filter(action=action).order_by("seq"))


def done(operator_user: Any, action: str) -> list[OperatorEvent]:
    with system_context("test") as alias:
        return list(OperatorEvent.objects.using(alias).filter(actor=operator_user.id, action=action).order_by("seq"))


def state(run: Any, **changes: Any) -> StageRun:
    with tenant_context(run.organization_id):
        if changes:
            StageRun.objects.filter(id=run.id).update(**changes)
        return StageRun.objects.get(id=run.id)


def steer(client: Client, run: Any, verb: str) -> Any:
    return client.post(reverse("console_job_steer", args=[run.id, verb]), follow=True)


def test_an_operator_cancels_a_job_and_both_chains_say_who(
    operator: Client, operator_user: Any, organization: Any, run: Any
) -> None:
    assert steer(operator, run, "cancel").status_code == 200
    assert state(run).state == "cancelled"
    (theirs,) = chain(organization, "run.cancel")
    assert (theirs.actor, theirs.object_id) == (str(operator_user.id), str(run.id))
    (ours,) = done(operator_user, "console.run_cancel")
    assert (ours.about, ours.object_id, ours.detail) == (organization.id, str(run.id), {"state": "cancelled"})


def test_an_operator_retries_a_job_that_failed(
    operator: Client, operator_user: Any, organization: Any, run: Any
) -> None:
    state(run, state="dead", attempt=3)
    steer(operator, run, "retry")
    again = state(run)
    assert (again.state, again.attempt) == ("queued", 0)
    assert len(chain(organization, "run.retry")) == len(done(operator_user, "console.run_retry")) == 1


def test_a_requeued_job_is_fenced_off_and_goes_to_the_reaper(operator: Client, organization: Any, run: Any) -> None:
    from django.utils import timezone

    from liaoyuan.pipeline.services.reaping import runs_reap

    later = timezone.now() + timedelta(minutes=5)
    state(run, state="running", fence=4, attempt=1, lease_until=later, worker="host:1")

    steer(operator, run, "requeue")

    held = state(run)
    assert (held.state, held.fence) == ("running", 5)
    runs_reap()
    assert state(run).state == "queued"
    assert len(chain(organization, "run.requeue")) == 1
    with tenant_context(organization.id):
        assert "requeued" in StageEvent.objects.filter(run_id=run.id).values_list("kind", flat=True)


def test_requeueing_what_waits_in_the_queue_rings_again(operator: Client, organization: Any, run: Any) -> None:
    from django.utils import timezone

    with tenant_context(organization.id):
        Outbox.objects.filter(run_id=run.id).update(published_at=timezone.now())
    steer(operator, run, "requeue")
    with tenant_context(organization.id):
        assert list(Outbox.objects.filter(run_id=run.id).values_list("published_at", flat=True)) == [None]


@pytest.mark.parametrize(("was", "verb"), [("succeeded", "cancel"), ("queued", "retry"), ("failed", "requeue")])
def test_what_cannot_be_is_told_and_changes_nothing(
    was: str, verb: str, operator: Client, operator_user: Any, run: Any
) -> None:
    state(run, state=was)
    page = steer(operator, run, verb)
    assert page.status_code == 200
    assert state(run).state == was
    assert done(operator_user, f"console.run_{verb}") == []


def test_looking_at_a_job_is_noted_in_both_chains_once_in_five_minutes(
    operator: Client, operator_user: Any, organization: Any, run: Any
) -> None:
    for _ in range(3):
        assert operator.get(reverse("console_job", args=[run.id])).status_code == 200
        assert operator.get(reverse("console_job_live", args=[run.id])).status_code == 200
    (theirs,) = chain(organization, "console.job")
    assert (theirs.actor, theirs.object_id) == (str(operator_user.id), str(run.id))
    assert len(done(operator_user, "console.job")) == 1
    operator.get(reverse("console_organization", args=[organization.id]))
    assert len(chain(organization, "console.organization")) == 1
    operator.get(f"{reverse('console_jobs')}?organization={organization.id}")
    assert len(chain(organization, "console.jobs")) == 1


def test_the_page_of_a_job_shows_its_course_and_not_its_subject(operator: Client, organization: Any, run: Any) -> None:
    secret = "患者张三的血压记录"
    with tenant_context(organization.id):
        StageRun.objects.filter(id=run.id).update(
            spec={"q": secret},
            result={"answer": secret},
            message_zh=secret,
            message_en=secret,
            checkpoint={"x": secret},
        )
        for kind in ("progress", "log", "succeeded"):
            data = {"message_zh": secret, "message": secret, "result": secret, "progress": 0.5, "attempt": 2}
            StageEvent.objects.create(organization_id=organization.id, run_id=run.id, kind=kind, data=data)
    page = operator.get(reverse("console_job", args=[run.id])).content.decode()
    assert secret not in page
    assert str(run.id) in page


def test_a_new_organization_gets_one_link_for_its_first_owner(operator: Client, operator_user: Any) -> None:
    name = f"第一人民医院 {uuid4().hex[:6]}"
    fields = {"name": name, "owner_email": "Chief@Hospital.example"}
    page = operator.post(reverse("console_organization_new"), fields, follow=True).content.decode()
    with system_context("test") as alias:
        made = Organization.objects.using(alias).get(name=name)
    assert "/invitation#" in page
    assert "/invitation#" not in operator.get(reverse("console_organization", args=[made.id])).content.decode()
    with tenant_context(made.id):
        (invited,) = Invitation.objects.all()
    assert (invited.email, invited.role) == ("chief@hospital.example", "owner")
    assert len(done(operator_user, "console.organization_create")) == 1

    again = operator.post(reverse("console_organization_new"), fields)
    assert again.status_code == 422
    assert len(done(operator_user, "console.organization_create")) == 1


@pytest.mark.parametrize("fields", [{"name": "", "owner_email": "a@b.example"}, {"name": "x", "owner_email": "nobody"}])
def test_a_new_organization_needs_a_name_and_an_address(operator: Client, fields: dict[str, str]) -> None:
    assert operator.post(reverse("console_organization_new"), fields).status_code == 422


def test_the_quota_is_changed_and_the_organization_can_see_by_whom(
    operator: Client, operator_user: Any, organization: Any
) -> None:
    address = reverse("console_organization_quota", args=[organization.id])
    operator.post(address, {"daily_tokens": "123456"})
    for wrong in ("-1", "many", "", str(10**16)):
        operator.post(address, {"daily_tokens": wrong})
    with tenant_context(organization.id):
        assert Organization.objects.get(id=organization.id).daily_token_quota == 123456
    (theirs,) = chain(organization, "quota.change")
    assert theirs.detail == {"from": 2_000_000, "to": 123456}
    assert len(done(operator_user, "console.quota_change")) == 1


def test_a_pack_is_tested_and_the_result_is_kept(operator: Client, operator_user: Any) -> None:
    page = operator.post(reverse("console_pack_examine", args=["medical", "validate"]), follow=True)
    assert "is in order" in page.content.decode()
    (kept,) = done(operator_user, "console.pack_validate")
    assert kept.detail["ok"] is True
    assert operator.post(reverse("console_pack_examine", args=["nothing", "test"])).status_code == 404


def test_a_chain_is_verified_from_the_console(operator: Client, organization: Any) -> None:
    operator.post(reverse("console_audit_verify", args=[organization.id]))
    (theirs,) = chain(organization, "audit.verify")
    assert theirs.detail["ok"] is True
    assert b"whole" in operator.get(reverse("console_audit")).content


def test_the_operators_chain_is_whole_and_cannot_be_rewritten(operator: Client, organization: Any) -> None:
    operator.get(reverse("console_organization", args=[organization.id]))
    assert operators_verify().ok
    assert operators_verify().checked > 0
    for statement in ("UPDATE console_operatorevent SET action = 'x'", "DELETE FROM console_operatorevent"):
        for alias in ("system", "default"):
            with connections[alias].cursor() as cursor, transaction.atomic(using=alias):
                try:
                    cursor.execute(statement)
                    assert cursor.rowcount == 0
                except DatabaseError:
                    transaction.set_rollback(True, using=alias)
    assert operators_verify().ok


def test_no_tenant_sees_what_operators_do_elsewhere(operator: Client, organization: Any) -> None:
    operator.get(reverse("console_organization", args=[organization.id]))
    with tenant_context(organization.id):
        assert OperatorEvent.objects.count() == 0
