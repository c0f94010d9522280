"""The guarded updates by which a worker claims a run and ends it. Zero rows always means: it is not yours any more."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from liaoyuan.accounts.models import Organization
from liaoyuan.accounts.tenancy import system_context, tenant_context
from liaoyuan.pipeline import waits
from liaoyuan.pipeline.errors import FenceLost
from liaoyuan.pipeline.events import event_write, from_now, relay_wake
from liaoyuan.pipeline.models import Outbox, RunState, StageRun


def run_organization(run_id: UUID) -> UUID | None:
    """Whose run it is. The doorbell carries the id alone, so this one look-up is done by the system role."""
    with system_context("organization of a run") as alias:
        found = StageRun.objects.using(alias).filter(id=run_id).values_list("organization_id", flat=True).first()
        return UUID(str(found)) if found else None


def run_claim(*, run_id: UUID, worker: str) -> StageRun | None:
    """Make the run ours: fence + 1, attempt + 1, a lease.

    None when somebody else has it, or it does not wait any more.
    """
    organization_id = run_organization(run_id)
    if organization_id is None:
        return None
    with tenant_context(organization_id):
        ready = StageRun.objects.filter(Q(not_before__isnull=True) | Q(not_before__lte=Now()))
        # A condition over a join would make Django select the row first and update it by id: two workers would both
        # find it queued. This one stays inside the one UPDATE.
        suspended = Organization.objects.filter(id=OuterRef("organization_id"), suspended_at__isnull=False)
        ready = ready.filter(~Exists(suspended))
        claimed = ready.filter(id=run_id, state=RunState.QUEUED).update(
            state=RunState.RUNNING,
            fence=F("fence") + 1,
            attempt=F("attempt") + 1,
            worker=worker[:120],
            lease_until=from_now(settings.LEASE_SECONDS),
            heartbeat_at=Now(),
            started_at=Now(),
            finished_at=None,
            not_before=None,
            error={},
            **waits.NOTHING.columns(),
        )
        if not claimed:
            return None
        # No longer outstanding: the relay may ring for the next one.
        Outbox.objects.filter(run_id=run_id).delete()
        relay_wake()
        run = StageRun.objects.select_related("solution").get(id=run_id)
        event_write(
            run_id=run.id,
            organization_id=organization_id,
            kind="started",
            data={"attempt": run.attempt, "fence": run.fence, "worker": worker},
        )
        return run


def run_update(run: StageRun, *, to: str, **changes: Any) -> str:
    """Move our running run to the state ``to``; a run that somebody is cancelling becomes CANCELLED instead.

    Returns the state reached. Raises FenceLost when the run is not ours. Call inside the tenant's context.
    """
    mine = StageRun.objects.filter(id=run.id, fence=run.fence)
    changes |= {"state": to, "lease_until": None}
    if to not in (RunState.QUEUED, RunState.WAITING):
        changes |= {"finished_at": Now(), "eta": None}
    if mine.filter(state=RunState.RUNNING).update(**changes):
        return to
    ended = {"state": RunState.CANCELLED, "lease_until": None, "finished_at": Now(), "eta": None}
    if mine.filter(state=RunState.CANCELLING).update(**ended):
        return RunState.CANCELLED
    raise FenceLost
