"""Queues, workers and the processes around them, of all organizations together."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import redis
from django.conf import settings
from django.db.models import Count, Min, Q
from django.utils import timezone

from liaoyuan.accounts.tenancy import system_context
from liaoyuan.compute.engines import detached
from liaoyuan.compute.engines.addresses import engine_addresses
from liaoyuan.console.ports import ports
from liaoyuan.console.selectors.machine import PATIENCE
from liaoyuan.pipeline.models import ACTIVE_STATES, FINAL_STATES, Outbox, RunState, StageRun, WorkerBeat
from liaoyuan.pipeline.services.doorbells import QUEUES
from liaoyuan.pipeline.waiting import SILENT_SECONDS

FIVE_MINUTES: Final = timedelta(minutes=5)
HOUR: Final = timedelta(hours=1)
CANARY: Final = "canary"
# The canary flies every minute: three that did not arrive are a sign.
CANARY_LATE: Final = timedelta(minutes=3)


@dataclass(frozen=True)
class Queue:
    """One queue. ``messages`` are the doorbells that lie in the broker (None: it does not answer)."""

    name: str
    depth: int
    oldest: datetime | None
    busy: int
    slots: int
    done_5: int
    done_60: int
    messages: int | None
    outbox: int
    rung: int

    @property
    def unserved(self) -> bool:
        return self.depth > 0 and self.slots == 0


@dataclass(frozen=True)
class Worker:
    """One worker by its last sign of life, and the runs that its processes hold."""

    name: str
    queues: tuple[str, ...]
    slots: int
    at: datetime
    alive: bool
    runs: tuple[StageRun, ...]


@dataclass(frozen=True)
class ProcessShown:
    """One process as the supervisor of this machine published it; ``log`` is where it writes."""

    name: str
    state: str
    pid: int | None
    restarts: int
    detail: str
    log: str

    @property
    def known(self) -> bool:
        return self.state != "stopped"


def queues() -> list[Queue]:
    """Every queue, also the empty ones, in their fixed order."""
    now = timezone.now()
    with system_context("queues") as alias:
        runs = StageRun.objects.using(alias)
        waiting = {row["queue"]: row for row in _by_queue(runs.filter(state=RunState.QUEUED), oldest=Min("queued_at"))}
        busy = {row["queue"]: row["n"] for row in _by_queue(runs.filter(state__in=ACTIVE_STATES))}
        ended = runs.filter(state__in=FINAL_STATES, finished_at__gt=now - HOUR)
        recent = Count("id", filter=Q(finished_at__gt=now - FIVE_MINUTES))
        done = {row["queue"]: row for row in _by_queue(ended, recent=recent)}
        published = Count("id", filter=Q(published_at__isnull=False))
        bells = {row["queue"]: row for row in _by_queue(Outbox.objects.using(alias), published=published)}
        slots = _slots(alias, now)
    lying = _messages()
    return [_queue(name, waiting, busy, done, bells, slots, lying) for name in QUEUES]


def workers() -> list[Worker]:
    """Those that gave a sign of life within the last hour, the living first, with what they do."""
    now = timezone.now()
    with system_context("workers") as alias:
        beats = list(WorkerBeat.objects.using(alias).exclude(name=CANARY).filter(slots__gt=0).order_by("name"))
        active = list(StageRun.objects.using(alias).filter(state__in=ACTIVE_STATES).order_by("started_at")[:200])
    found = [_worker(beat, active, now) for beat in beats]
    return sorted(found, key=lambda worker: (not worker.alive, worker.name))


def beats() -> dict[str, datetime]:
    """The last sign of life of what is no worker: relay, reaper, canary (beat → broker → worker), by name."""
    with system_context("signs of life") as alias:
        silent = WorkerBeat.objects.using(alias).filter(slots=0).exclude(name__startswith=f"{CANARY}-")
        rows = silent.values_list("name", "at")
        found: dict[str, datetime] = {}
        for name, at in rows:
            kind = name.split("@")[0]
            found[kind] = max(at, found.get(kind, at))
        return found


def processes() -> list[ProcessShown]:
    """What the supervisor on this machine says; all stopped where another one (containers, systemd) keeps them."""
    addresses = engine_addresses(Path(settings.VAR))
    names = [*("postgres", "valkey", "model_server"), *(name for name in ports().processes if name != "up")]
    found = []
    for name in names:
        seen = detached.status(name, run=addresses.run)
        log = f"var/log/{name}.log"
        found.append(ProcessShown(name, str(seen.state), seen.pid, seen.restarts, seen.detail, log))
    return found


def _by_queue(rows: Any, **more: Any) -> Any:
    return rows.values("queue").annotate(n=Count("id"), **more).order_by()


def _slots(alias: str, now: datetime) -> dict[str, int]:
    living = WorkerBeat.objects.using(alias).filter(at__gt=now - timedelta(seconds=SILENT_SECONDS))
    found = dict.fromkeys(QUEUES, 0)
    for served, slots in living.values_list("queues", "slots"):
        for name in served:
            found[name] = found.get(name, 0) + slots
    return found


def _messages() -> dict[str, int] | None:
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
        ) as client:
            pipe = client.pipeline(transaction=False)
            for name in QUEUES:
                pipe.llen(name)
            return dict(zip(QUEUES, pipe.execute(), strict=True))
    except (redis.RedisError, OSError):
        return None


def _queue(
    name: str,
    waiting: dict[str, Any],
    busy: dict[str, int],
    done: dict[str, Any],
    bells: dict[str, Any],
    slots: dict[str, int],
    lying: dict[str, int] | None,
) -> Queue:
    line, ended, rung = waiting.get(name, {}), done.get(name, {}), bells.get(name, {})
    return Queue(
        name=name,
        depth=line.get("n", 0),
        oldest=line.get("oldest"),
        busy=busy.get(name, 0),
        slots=slots.get(name, 0),
        done_5=ended.get("recent", 0),
        done_60=ended.get("n", 0),
        messages=None if lying is None else lying[name],
        outbox=rung.get("n", 0) - rung.get("published", 0),
        rung=rung.get("published", 0),
    )


def _worker(beat: WorkerBeat, active: list[StageRun], now: datetime) -> Worker:
    """A run names host and pid of the process that holds it, a beat names worker and host: the queue joins them."""
    host = beat.name.partition("@")[2]
    mine = [run for run in active if run.queue in beat.queues and run.worker.split(":")[0] == host]
    return Worker(
        name=beat.name,
        queues=tuple(beat.queues),
        slots=beat.slots,
        at=beat.at,
        alive=now - beat.at < timedelta(seconds=SILENT_SECONDS),
        runs=tuple(mine[: beat.slots]),
    )
