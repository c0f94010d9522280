"""Why a run waits right now, and when that should end.

The row holds the reason; the line before it changes by the minute and is counted when somebody asks.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from liaoyuan.accounts.models import Organization
from liaoyuan.accounts.tenancy import system_context
from liaoyuan.pipeline import waits
from liaoyuan.pipeline.events import from_now
from liaoyuan.pipeline.models import ACTIVE_STATES, RunState, StageRun, WorkerBeat

# Three missed signs of life.
SILENT_SECONDS = 30.0
# A free worker takes a run within this time; one that stands longer waits for a place.
UNTAKEN_SECONDS = 2.0


@dataclass(frozen=True)
class WaitReport:
    """One wait.

    ``until`` is when it should end; None when nobody can tell: a person must act, or nothing was learned.
    """

    kind: str
    reason_zh: str
    reason_en: str
    until: datetime | None = None


def wait_report(run: StageRun) -> WaitReport | None:
    """Why ``run`` waits; None when it runs or has ended."""
    if run.state == RunState.QUEUED:
        return _queued(run)
    if run.state == RunState.WAITING:
        return WaitReport(run.wait_kind, run.wait_reason_zh, run.wait_reason_en, _until(run))
    return None


def worker_slots(queue: str) -> int:
    """How many processes serve ``queue`` right now."""
    alive = WorkerBeat.objects.filter(at__gt=from_now(-SILENT_SECONDS), queues__contains=[queue])
    found: int | None = alive.aggregate(slots=Sum("slots"))["slots"]
    return found or 0


def place_wanted(run_id: UUID) -> bool:
    """Whether a run of somebody else stands ready in a queue that this run's workers serve, and nobody has taken it:
    then a long stage should give way. Opens a context of its own."""
    with system_context("whether others wait") as alias:
        runs = StageRun.objects.using(alias)
        queue = runs.filter(id=run_id).values_list("queue", flat=True).first()
        alive = WorkerBeat.objects.using(alias).filter(at__gt=from_now(-SILENT_SECONDS), queues__contains=[queue])
        served = {str(name) for names in alive.values_list("queues", flat=True) for name in names}
        due = Q(not_before__isnull=True) | Q(not_before__lte=Now())
        ready = runs.filter(due, state=RunState.QUEUED, queue__in=served | {str(queue)})
        ready = ready.filter(queued_at__lt=from_now(-UNTAKEN_SECONDS), organization__suspended_at__isnull=True)
        return ready.exclude(id=run_id).exists()


def crowding(queue: str) -> float:
    """How many runs share one worker slot of ``queue`` right now; at least 1."""
    with system_context("how many share a queue") as alias:
        runs = StageRun.objects.using(alias).filter(queue=queue, state__in=[RunState.QUEUED, *ACTIVE_STATES])
        return max(1.0, runs.count() / max(1, worker_slots(queue)))


def _queued(run: StageRun) -> WaitReport:
    if Organization.objects.filter(id=run.organization_id, suspended_at__isnull=False).exists():
        wait = waits.suspended()
        return WaitReport(wait.kind, wait.zh, wait.en)
    if run.not_before is not None and run.not_before > timezone.now():
        return WaitReport(run.wait_kind, run.wait_reason_zh, run.wait_reason_en, run.not_before)
    slots = worker_slots(run.queue)
    if slots == 0:
        wait = waits.no_worker(run.queue)
        return WaitReport(wait.kind, wait.zh, wait.en)
    ahead, seconds = _line(run)
    wait = waits.queue(ahead + 1)
    until = timezone.now() + timedelta(seconds=seconds / slots) if seconds or not ahead else None
    return WaitReport(wait.kind, wait.zh, wait.en, until)


def _line(run: StageRun) -> tuple[int, float]:
    """How many runs of all tenants are ahead in the queue, and their expected seconds: two numbers, nothing of whom."""
    with system_context("position in the queue") as alias:
        others = StageRun.objects.using(alias).filter(queue=run.queue).exclude(id=run.id)
        ahead = others.filter(state=RunState.QUEUED, queued_at__lt=run.queued_at or timezone.now())
        running = others.filter(state__in=ACTIVE_STATES)
        return ahead.count(), _seconds(ahead) + _seconds_left(running)


def _seconds(runs: QuerySet[StageRun]) -> float:
    return float(runs.aggregate(total=Coalesce(Sum("expected_seconds"), 0.0))["total"])


def _seconds_left(runs: QuerySet[StageRun]) -> float:
    now = timezone.now()
    ends = runs.filter(eta__gt=Now()).values_list("eta", flat=True)
    return float(sum((end - now).total_seconds() for end in ends if end))


def _until(run: StageRun) -> datetime | None:
    """A dependency ends when the stages before it do; a quota or an engine is asked again at a known moment."""
    if run.wait_kind in waits.ASKED_AGAIN:
        return run.not_before
    if run.wait_kind != waits.DEPENDENCY or run.pipeline_id is None:
        return None
    imports = StageRun.objects.filter(id__in=run.spec.get("after", ()))
    before = [*imports, *StageRun.objects.filter(pipeline_id=run.pipeline_id, position__lt=run.position)]
    open_runs = [other for other in before if other.state != RunState.SUCCEEDED]
    if any(other.state not in (RunState.WAITING, RunState.QUEUED, RunState.RUNNING) for other in open_runs):
        return None
    seconds = [_left(other) for other in open_runs]
    known = [value for value in seconds if value is not None]
    return timezone.now() + timedelta(seconds=sum(known)) if len(known) == len(seconds) else None


def _left(run: StageRun) -> float | None:
    if run.eta is not None:
        return max((run.eta - timezone.now()).total_seconds(), 0.0)
    return run.expected_seconds or None
