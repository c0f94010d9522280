"""What operators change: runs of any organization, organizations themselves, examinations of packs and servers."""

import time
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from liaoyuan.accounts.models import Organization, Role
from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.services import audit_record, invitation_create, organization_create
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.console.audit import operator_record
from liaoyuan.console.errors import AddressInvalid, OrganizationThere, QuotaInvalid, SuspensionNeedsReason
from liaoyuan.console.selectors import chains, packs
from liaoyuan.console.selectors.model_servers import PROBED
from liaoyuan.console.selectors.organizations import organization_get
from liaoyuan.console.selectors.runs import run_organization
from liaoyuan.errors import NotFound
from liaoyuan.industry.examination import Examination, pack_test
from liaoyuan.industry.selectors import industry_trust
from liaoyuan.pipeline.adapters.model_server import ModelServerClient
from liaoyuan.pipeline.errors import RunStateRefused
from liaoyuan.pipeline.events import doorbell_write, event_write
from liaoyuan.pipeline.models import ACTIVE_STATES, Outbox, RunState, StageRun
from liaoyuan.pipeline.services import stage_run_cancel, stage_run_retry

LARGEST_QUOTA = 10**15
PROBE_TEXT = "How do you do?"
PROBE_TOKENS = 16


def run_cancel(*, operator: UUID, run_id: UUID) -> str:
    """Cancel a run of any organization. Raises NotFound, RunStateRefused. Returns the state reached."""
    organization = run_organization(run_id)
    with tenant_context(organization.id, operator):
        state = stage_run_cancel(principal=_as_owner(operator, organization.id), run_id=run_id)
    _done(operator, "console.run_cancel", organization.id, "stage_run", run_id, {"state": state})
    return state


def run_retry(*, operator: UUID, run_id: UUID) -> str:
    """Try a run again that ended badly. Raises NotFound, RunStateRefused. Returns the state reached."""
    organization = run_organization(run_id)
    with tenant_context(organization.id, operator):
        state = stage_run_retry(principal=_as_owner(operator, organization.id), run_id=run_id)
    _done(operator, "console.run_retry", organization.id, "stage_run", run_id, {"state": state})
    return state


def run_requeue(*, operator: UUID, run_id: UUID) -> str:
    """Take a run away from a worker that does not get on with it, or ring again for one that waits in the queue.

    A held run is fenced off and its lease ends now: its worker may write nothing more, and the reaper gives the run to
    the next one as after any lost worker (the attempt counts). Raises NotFound, RunStateRefused.
    """
    organization = run_organization(run_id)
    with tenant_context(organization.id, operator):
        run = StageRun.objects.select_for_update().filter(id=run_id).first()
        if run is None:
            raise NotFound
        if run.state == RunState.QUEUED:
            Outbox.objects.filter(run_id=run_id).delete()
            doorbell_write(run=run)
        elif run.state in ACTIVE_STATES:
            StageRun.objects.filter(id=run_id).update(fence=F("fence") + 1, lease_until=Now())
        else:
            raise RunStateRefused(state=run.state, verb="requeue")
        told = {"stage": run.stage, "action": "run.requeue", "by": str(operator)}
        event_write(run_id=run.id, organization_id=organization.id, kind="requeued", data=told)
        audit_record(action="run.requeue", object_kind="stage_run", object_id=run_id, detail=told)
    _done(operator, "console.run_requeue", organization.id, "stage_run", run_id, {"state": run.state})
    return str(run.state)


def organization_found(*, operator: UUID, name: str, owner_email: str) -> tuple[Organization, str]:
    """A new organization and the one-time token of its first owner's invitation (shown this once).

    Raises OrganizationNameInvalid, OrganizationThere, AddressInvalid.
    """
    email = owner_email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise AddressInvalid from error
    organization, created = organization_create(name=name)
    if not created:
        raise OrganizationThere(name=organization.name)
    with tenant_context(organization.id, operator):
        _invitation, token = invitation_create(email=email, role=Role.OWNER)
    _done(operator, "console.organization_create", organization.id, "organization", organization.id, {})
    return organization, token


def owner_invite(*, operator: UUID, organization_id: UUID, email: str) -> str:
    """Another owner's invitation: for an organization whose owners are gone. Returns its one-time token."""
    organization = organization_get(organization_id)
    try:
        validate_email(email.strip())
    except ValidationError as error:
        raise AddressInvalid from error
    with tenant_context(organization.id, operator):
        _invitation, token = invitation_create(email=email.strip().lower(), role=Role.OWNER)
    _done(operator, "console.owner_invite", organization.id, "organization", organization.id, {})
    return token


def organization_suspend(*, operator: UUID, organization_id: UUID, reason: str) -> None:
    """Close an organization: members are told, keys refused, runs wait. What runs now runs to its stage's end.

    Raises NotFound, SuspensionNeedsReason. A second time changes nothing.
    """
    reason = reason.strip()[:300]
    if not reason:
        raise SuspensionNeedsReason
    _suspension(operator, organization_id, {"suspended_at": timezone.now(), "suspended_reason": reason}, reason)


def organization_resume(*, operator: UUID, organization_id: UUID) -> None:
    """Open it again; what waited goes on by itself. Raises NotFound."""
    _suspension(operator, organization_id, {"suspended_at": None, "suspended_reason": ""}, "")


def _suspension(operator: UUID, organization_id: UUID, columns: dict[str, Any], reason: str) -> None:
    organization = organization_get(organization_id)
    if (organization.suspended_at is None) == (columns["suspended_at"] is None):
        return
    action = "organization.suspend" if reason else "organization.resume"
    with tenant_context(organization.id, operator):
        Organization.objects.filter(id=organization_id).update(**columns)
        audit_record(action=action, object_kind="organization", object_id=organization_id, detail={"reason": reason})
    _done(operator, f"console.{action.replace('.', '_')}", organization_id, "organization", organization_id, {})


def quota_change(*, operator: UUID, organization_id: UUID, daily_tokens: int) -> None:
    """How many tokens a day (UTC) an organization may spend. Raises NotFound, QuotaInvalid."""
    if not 0 <= daily_tokens <= LARGEST_QUOTA:
        raise QuotaInvalid(most=LARGEST_QUOTA)
    organization = organization_get(organization_id)
    detail = {"from": organization.daily_token_quota, "to": daily_tokens}
    with tenant_context(organization.id, operator):
        Organization.objects.filter(id=organization_id).update(daily_token_quota=daily_tokens)
        audit_record(action="quota.change", object_kind="organization", object_id=organization_id, detail=detail)
    _done(operator, "console.quota_change", organization_id, "organization", organization_id, detail)


def pack_examine(*, operator: UUID, name: str, with_questions: bool) -> Examination:
    """Validate a pack, or test it too against its own questions; what came out is kept. Raises NotFound."""
    began = time.monotonic()
    examined = pack_test(packs.pack_folder(name), industry_trust()) if with_questions else packs.pack_examined(name)
    detail = {
        "ok": examined.ok,
        "version": examined.version,
        "signed_by": examined.signed_by,
        "problems": [{"code": each.code, "zh": each.zh, "en": each.en} for each in examined.problems[:20]],
        "gates": examined.gates,
        "seconds": round(time.monotonic() - began, 2),
    }
    action = packs.TESTED if with_questions else packs.VALIDATED
    operator_record(actor=operator, action=action, object_kind="pack", object_id=name, detail=detail)
    return examined


def model_probe(*, operator: UUID) -> dict[str, Any]:
    """Embed one sentence and write a few tokens; what it took is kept. Raises ModelServerError."""
    with ModelServerClient(settings.MODEL_SERVER_URL, settings.MODEL_SERVER_TOKEN, tries=1) as client:
        began = time.monotonic()
        client.embed_queries([PROBE_TEXT])
        embedded = time.monotonic() - began
        answer = client.chat([{"role": "user", "content": PROBE_TEXT}], max_tokens=PROBE_TOKENS)
    speed = answer.completion_tokens / answer.seconds if answer.seconds else 0.0
    detail = {
        "embed_ms": round(embedded * 1000, 1),
        "chat_ms": round(answer.seconds * 1000, 1),
        "tokens": answer.completion_tokens,
        "tokens_per_second": round(speed, 1),
        "model": answer.model,
    }
    operator_record(actor=operator, action=PROBED, object_kind="model_server", object_id="chat", detail=detail)
    return detail


def chain_check(*, operator: UUID, organization_id: UUID) -> dict[str, Any]:
    """Verify one organization's audit chain; the result is kept in both chains. Raises NotFound."""
    organization = organization_get(organization_id)
    found = chains.chain_verify(organization.id)
    with tenant_context(organization.id, operator):
        audit_record(action="audit.verify", object_kind="organization", object_id=organization_id, detail=found)
    _done(operator, chains.VERIFIED, organization_id, "organization", organization_id, found)
    return found


def _as_owner(operator: UUID, organization_id: UUID) -> Principal:
    """Operators stand in for an owner, for the verbs of this module alone; the chains name them, not the owner."""
    return Principal(user_id=operator, organization_id=organization_id, role=Role.OWNER, channel="console")


def _done(operator: UUID, action: str, about: UUID, kind: str, identifier: UUID, detail: dict[str, Any]) -> None:
    operator_record(actor=operator, action=action, about=about, object_kind=kind, object_id=identifier, detail=detail)
