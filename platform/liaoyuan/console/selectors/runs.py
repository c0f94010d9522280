"""The jobs of all organizations: a list that stays quick at a hundred thousand, and one job with all about it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from liaoyuan.accounts.models import Organization
from liaoyuan.accounts.tenancy import system_context, tenant_context
from liaoyuan.errors import NotFound
from liaoyuan.pipeline.models import ACTIVE_STATES, FINAL_STATES, Outbox, RunState, Solution, StageEvent, StageRun
from liaoyuan.pipeline.selectors import run_get
from liaoyuan.pipeline.waiting import WaitReport, wait_report

PER_PAGE: Final = 50
EVENTS_SHOWN: Final = 200
STUCK: Final = "stuck"
OPEN: Final = "open"
BAD: Final = "bad"
# What of an event an operator reads: states, numbers and reasons. A stage's own words may quote a document.
EVENT_TELLS: Final = (
    "attempt", "fence", "worker", "lost_worker", "wait_kind", "action", "by", "progress",
)  # fmt: skip


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to; empty means all. ``older_than`` in hours, by the time it was asked for."""

    organization: UUID | None = None
    state: str = ""
    queue: str = ""
    stage: str = ""
    older_than: int = 0
    before: tuple[datetime, UUID] | None = None
    after: tuple[datetime, UUID] | None = None


@dataclass(frozen=True)
class RunPage:
    """One page of runs, newest first; the cursors of its neighbours, empty where there is none."""

    runs: list[StageRun]
    newer: str
    older: str


@dataclass(frozen=True)
class EventShown:
    """One event without the stage's own words."""

    seq: int
    at: datetime
    kind: str
    facts: dict[str, Any]
    error: str
    wait_zh: str
    wait_en: str


@dataclass(frozen=True)
class RunShown:
    """One job as an operator sees it: its course, not its subject."""

    run: StageRun
    organization: Organization
    solution: str
    wait: WaitReport | None
    doorbells: list[Outbox]
    events: list[EventShown]
    more_events: int
    may_cancel: bool
    may_retry: bool
    may_requeue: bool
    lease_over: bool


def run_page(filters: Filters) -> RunPage:
    """The page behind the cursor of ``filters``. Keyset paging: page 2000 costs what page 1 costs."""
    with system_context("jobs of all organizations") as alias:
        runs = _narrowed(StageRun.objects.using(alias).select_related("organization"), filters)
        if filters.after is not None:
            at, key = filters.after
            newer = runs.filter(Q(created_at__gt=at) | Q(created_at=at, id__gt=key)).order_by("created_at", "id")
            found = list(newer[: PER_PAGE + 1])
            more, found = len(found) > PER_PAGE, list(reversed(found[:PER_PAGE]))
            return RunPage(found, _cursor(found[:1]) if more else "", _cursor(found[-1:]))
        if filters.before is not None:
            at, key = filters.before
            runs = runs.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=key))
        found = list(runs.order_by("-created_at", "-id")[: PER_PAGE + 1])
        more, found = len(found) > PER_PAGE, found[:PER_PAGE]
        newer_at = _cursor(found[:1]) if filters.before is not None else ""
        return RunPage(found, newer_at, _cursor(found[-1:]) if more else "")


def state_counts(filters: Filters) -> dict[str, int]:
    """How many runs there are in each state, with every filter but the state's own."""
    with system_context("jobs by state") as alias:
        runs = _narrowed(StageRun.objects.using(alias), replace(filters, state=""))
        return dict(runs.values_list("state").annotate(n=Count("id")).order_by())


def cursor_read(text: str) -> tuple[datetime, UUID] | None:
    """The cursor in an address; None for anything that is not one."""
    at, _, key = text.partition("~")
    try:
        moment, identifier = parse_datetime(at), UUID(key)
    except ValueError:
        return None
    return (moment, identifier) if moment is not None and moment.tzinfo is not None else None


def run_shown(run_id: UUID, *, operator: UUID) -> RunShown:
    """One job, read in its organization's own context. Raises NotFound."""
    organization = run_organization(run_id)
    with tenant_context(organization.id, operator):
        run = run_get(run_id)
        names = Solution.objects.filter(id=run.solution_id) if run.solution_id else Solution.objects.none()
        solution = names.values_list("name", flat=True).first() or ""
        events = StageEvent.objects.filter(run_id=run_id).exclude(kind="log").order_by("-seq")
        shown = [_event(event) for event in events[:EVENTS_SHOWN]]
        count = events.count() if len(shown) == EVENTS_SHOWN else len(shown)
        wait, doorbells = wait_report(run), list(Outbox.objects.filter(run_id=run_id).order_by("created_at"))
    over = run.lease_until is not None and run.lease_until < timezone.now() and run.state in ACTIVE_STATES
    return RunShown(
        run=run,
        organization=organization,
        solution=solution,
        wait=wait,
        doorbells=doorbells,
        events=shown,
        more_events=count - len(shown),
        may_cancel=run.state not in FINAL_STATES and run.state != RunState.CANCELLING,
        may_retry=run.state in FINAL_STATES - {RunState.SUCCEEDED},
        may_requeue=run.state in {RunState.QUEUED, RunState.RUNNING, RunState.CANCELLING},
        lease_over=over,
    )


def run_organization(run_id: UUID) -> Organization:
    """Whose job it is. Raises NotFound."""
    with system_context("organization of a job") as alias:
        found = StageRun.objects.using(alias).select_related("organization").filter(id=run_id).first()
        if found is None:
            raise NotFound
        return found.organization


def _narrowed(runs: QuerySet[StageRun], filters: Filters) -> QuerySet[StageRun]:
    if filters.organization is not None:
        runs = runs.filter(organization_id=filters.organization)
    if filters.queue:
        runs = runs.filter(queue=filters.queue)
    if filters.stage:
        runs = runs.filter(stage=filters.stage)
    if filters.older_than:
        runs = runs.filter(created_at__lt=timezone.now() - timedelta(hours=filters.older_than))
    return _of_state(runs, filters.state)


def _of_state(runs: QuerySet[StageRun], state: str) -> QuerySet[StageRun]:
    """A state, or one of three groups: open, ended badly, held by a worker that gave no sign."""
    if state == OPEN:
        return runs.exclude(state__in=FINAL_STATES)
    if state == BAD:
        return runs.filter(state__in=[RunState.FAILED, RunState.ERRORED, RunState.DEAD])
    if state == STUCK:
        return runs.filter(state__in=ACTIVE_STATES, lease_until__lt=timezone.now())
    return runs.filter(state=state) if state else runs


def _cursor(runs: list[StageRun]) -> str:
    return f"{runs[0].created_at.isoformat()}~{runs[0].id}" if runs else ""


def _event(event: StageEvent) -> EventShown:
    error = event.data.get("error")
    facts = {key: event.data[key] for key in EVENT_TELLS if event.data.get(key) not in (None, "")}
    told = str(error.get("code", "")) if isinstance(error, dict) else ""
    wait = [str(event.data.get(f"wait_{language}") or "") for language in ("zh", "en")]
    return EventShown(event.seq, event.created_at, event.kind, facts, told, *wait)
