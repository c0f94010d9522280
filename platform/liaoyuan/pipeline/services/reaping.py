"""The reaper's work: runs whose worker was lost go back to the queue, or are given up.

Waits that end by themselves end.
"""

import logging
from collections import Counter
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.models import QuerySet
from django.db.models.functions import Now

from liaoyuan.accounts.tenancy import system_context, tenant_context
from liaoyuan.errors import LiaoyuanError
from liaoyuan.pipeline import waits
from liaoyuan.pipeline.errors import WorkerLost
from liaoyuan.pipeline.events import doorbell_write, event_write, from_now
from liaoyuan.pipeline.files import Places
from liaoyuan.pipeline.models import RunState, StageRun, WorkerBeat
from liaoyuan.pipeline.services.following import pipeline_end, pipeline_follow, run_release

logger = logging.getLogger(__name__)
LOCK = "liaoyuan.reaper"
BATCH = 100
WORKER_FORGOTTEN_SECONDS = 3600.0


def runs_reap() -> dict[str, int]:
    """One round: the states that lost runs were moved to, with their counts. Does nothing while another reaper works.

    Opens its own transactions.
    """
    counts: Counter[str] = Counter()
    given_up: list[StageRun] = []
    with system_context("reaper") as alias:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [LOCK])
            if not cursor.fetchone()[0]:
                return {}
        for run in _lost(alias):
            state = _settle(run, alias)
            counts[state] += 1
            if state != RunState.QUEUED:
                given_up.append(run)
        asking = [(run.id, run.organization_id) for run in _asking(alias)]
        WorkerBeat.objects.using(alias).filter(at__lt=from_now(-WORKER_FORGOTTEN_SECONDS)).delete()
    for run in given_up:
        _clear(run)
    for run_id, organization_id in asking:
        counts["asked again"] += _ask_again(run_id, organization_id)
    return dict(counts)


def _lost(alias: str) -> QuerySet[StageRun]:
    """Runs whose lease ran out. A worker that is just writing its end holds the row's lock and is skipped."""
    runs = StageRun.objects.using(alias).select_for_update(skip_locked=True)
    active = runs.filter(state__in=[RunState.RUNNING, RunState.CANCELLING], lease_until__lt=Now())
    return active.order_by("lease_until")[:BATCH]


def _settle(run: StageRun, alias: str) -> str:
    lost = WorkerLost(attempt=run.attempt)
    ended: dict[str, Any] = {"finished_at": Now(), "eta": None}
    if run.state == RunState.CANCELLING:
        state, changes = RunState.CANCELLED, dict(ended)
    elif run.attempt < run.max_attempts:
        state = RunState.QUEUED
        wait = waits.retry(run.attempt, 0, "执行进程中断", "its process was lost")
        changes = {"queued_at": Now(), **wait.columns()}
    else:
        state, changes = RunState.DEAD, ended | {"error": _error(lost)}
    StageRun.objects.using(alias).filter(id=run.id).update(state=state, lease_until=None, **changes)
    if state == RunState.QUEUED:
        doorbell_write(run=run, using=alias)
    logger.warning("run %s: attempt %s was lost with worker %s, now %s", run.id, run.attempt, run.worker, state)
    data = {"stage": run.stage, "lost_worker": run.worker, "attempt": run.attempt}
    if state == RunState.DEAD:
        data["error"] = _error(lost)
    event_write(run_id=run.id, organization_id=run.organization_id, kind=state, using=alias, data=data)
    pipeline_follow(run, state, using=alias)
    return state


def _error(error: LiaoyuanError) -> dict[str, object]:
    return error.as_dict("zh") | {"zh": error.sentence("zh"), "en": error.sentence("en")}


def _clear(run: StageRun) -> None:
    """What the lost attempt left on this machine and in storage, and what compute reserved for it."""
    Places(run.organization_id, run.id, run.fence).discard()
    if run.pipeline_id is not None:
        with tenant_context(run.organization_id, run.requested_by):
            pipeline_end(run, done=False)


def _asking(alias: str) -> QuerySet[StageRun]:
    runs = StageRun.objects.using(alias).filter(state=RunState.WAITING, wait_kind__in=waits.ASKED_AGAIN)
    return runs.filter(not_before__lte=Now()).order_by("not_before")[:BATCH]


def _ask_again(run_id: UUID, organization_id: UUID) -> int:
    with tenant_context(organization_id):
        run = StageRun.objects.filter(id=run_id, state=RunState.WAITING, wait_kind__in=waits.ASKED_AGAIN).first()
        return int(run is not None and run_release(run))
