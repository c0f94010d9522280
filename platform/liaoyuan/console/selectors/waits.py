"""Why anything waits, in one place: the runs of all organizations by reason, since when, and what would end it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, F, Max, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from liaoyuan.accounts.tenancy import system_context
from liaoyuan.console.selectors.queues import Queue
from liaoyuan.pipeline import waits
from liaoyuan.pipeline.models import RunState, StageEvent, StageRun

FAILING: Final = (RunState.FAILED, RunState.ERRORED, RunState.DEAD)
FAILING_SHOWN: Final = 8
DAY: Final = timedelta(days=1)
# What the reason is called, and what ends the wait.
REASONS: Final[dict[str, tuple[Any, Any]]] = {
    waits.NO_WORKER: (_("No worker serves the queue"), _("Start one: make up, or python -m workers NAME.")),
    waits.QUEUE: (
        _("In line for a free worker"),
        _("Ends by itself when a slot becomes free; more workers end it sooner."),
    ),
    waits.DEPENDENCY: (
        _("For the stage before"),
        _("Ends when that stage succeeds; if it failed, somebody has to retry it."),
    ),
    waits.APPROVAL: (_("For a person's approval"), _("An owner of the organization approves or rejects it.")),
    waits.RETRY: (_("For the next attempt"), _("Ends by itself: the platform tries again.")),
    waits.SUSPENDED: (_("The organization is suspended"), _("Resume the organization.")),
    "quota": (_("For memory or budget"), _("Ends when other runs release it; asked again every few seconds.")),
    "engine": (_("For an engine that does not answer"), _("Start the engine, or correct its address in the settings.")),
}
OTHER: Final = (_("Another reason"), _("The job's own page has its sentence."))


@dataclass(frozen=True)
class WaitGroup:
    """All runs that wait for one reason: ``since`` when the longest of them does."""

    kind: str
    title: Any
    ends: Any
    runs: int
    organizations: int
    since: datetime | None

    @property
    def acts(self) -> bool:
        """Whether somebody has to do something before it goes on."""
        return self.kind in {waits.NO_WORKER, waits.APPROVAL, "engine"}


@dataclass(frozen=True)
class FailGroup:
    """Runs of the last day that ended badly with one code."""

    code: str
    runs: int
    organizations: int
    newest: datetime


def wait_groups(lines: list[Queue]) -> list[WaitGroup]:
    """Those that need somebody first, then by number. ``lines`` tells which queues nobody serves."""
    unserved = [line.name for line in lines if line.slots == 0]
    with system_context("why runs wait") as alias:
        queued = StageRun.objects.using(alias).filter(state=RunState.QUEUED)
        found = [_group(alias, waits.SUSPENDED, queued.filter(organization__suspended_at__isnull=False))]
        open_ = queued.filter(organization__suspended_at__isnull=True)
        found.append(_group(alias, waits.NO_WORKER, open_.filter(queue__in=unserved)))
        later = Q(not_before__gt=timezone.now())
        served = open_.exclude(queue__in=unserved)
        found.append(_group(alias, waits.RETRY, served.filter(later)))
        found.append(_group(alias, waits.QUEUE, served.exclude(later)))
        waiting = StageRun.objects.using(alias).filter(state=RunState.WAITING)
        kinds = waiting.values_list("wait_kind", flat=True).order_by("wait_kind").distinct()
        found += [_group(alias, kind, waiting.filter(wait_kind=kind)) for kind in kinds]
    groups = [group for group in found if group is not None]
    return sorted(groups, key=lambda group: (not group.acts, -group.runs))


def failures() -> tuple[list[FailGroup], list[StageRun]]:
    """Codes of the last day's bad ends, the most frequent first, and the newest such runs."""
    with system_context("failing runs") as alias:
        bad = StageRun.objects.using(alias).filter(state__in=FAILING, finished_at__gt=timezone.now() - DAY)
        rows = bad.values(code=F("error__code")).annotate(
            n=Count("id"), organizations=Count("organization_id", distinct=True), newest=Max("finished_at")
        )
        groups = [
            FailGroup(str(row["code"] or "?"), row["n"], row["organizations"], row["newest"])
            for row in rows.order_by("-n")[:FAILING_SHOWN]
        ]
        newest = list(bad.select_related("organization").order_by("-finished_at")[:FAILING_SHOWN])
    return groups, newest


def _group(alias: str, kind: str, runs: Any) -> WaitGroup | None:
    counted = runs.aggregate(n=Count("id"), organizations=Count("organization_id", distinct=True))
    if not counted["n"]:
        return None
    title, ends = REASONS.get(kind, OTHER)
    return WaitGroup(kind, title, ends, counted["n"], counted["organizations"], _since(alias, runs))


def _since(alias: str, runs: Any) -> datetime | None:
    """When the oldest of ``runs`` began to wait: its last change of state."""
    oldest = runs.order_by("created_at").values("id", "queued_at", "created_at").first()
    last = StageEvent.objects.using(alias).filter(run_id=oldest["id"], kind__in=[RunState.WAITING, RunState.QUEUED])
    at: datetime | None = last.order_by("-seq").values_list("created_at", flat=True).first()
    return at or oldest["queued_at"] or oldest["created_at"]
