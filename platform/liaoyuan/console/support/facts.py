"""The bundle's findings: what the doctor says, what waits and runs, which tables there are. States and counts only."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Count
from django.utils import timezone

from liaoyuan.accounts.models import Organization, User
from liaoyuan.accounts.tenancy import system_context
from liaoyuan.console.ports import ports
from liaoyuan.console.selectors import machine, packs, queues, software, waits
from liaoyuan.pipeline.models import FINAL_STATES, RunState, StageRun

RUNS_SHOWN: Final = 200
TABLES = """
SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, pg_total_relation_size(c.oid), c.reltuples::bigint,
       (SELECT count(*) FROM pg_policies p WHERE p.tablename = c.relname), c.relowner::regrole::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind = 'r' ORDER BY c.relname
"""
COLUMNS: Final = ("table", "row_security", "forced", "bytes", "rows_about", "policies", "owner")


def doctor() -> Sequence[Any]:
    """Every check with its finding."""
    return list(ports().doctor(None))


def settings() -> list[dict[str, Any]]:
    """As the console shows them: secrets only as set or not set."""
    return [asdict(each) for each in ports().settings()]


def health() -> dict[str, Any]:
    """Machine and engines."""
    return {"machine": asdict(machine.machine()), "engines": [asdict(each) for each in machine.engines()]}


def versions() -> dict[str, Any]:
    """Platform, Python and every package with its licence."""
    found = [asdict(each) for each in software.packages()]
    return {"liaoyuan": software.platform_version(), "python": software.python_version(), "packages": found}


def packs_installed() -> list[dict[str, Any]]:
    """Name, version, key and problem of every pack."""
    return [
        {
            "name": each.name,
            "version": each.pack.spec.version if each.pack else None,
            "signed_by": each.pack.signed_by if each.pack else None,
            "scenarios": sorted(each.pack.scenarios) if each.pack else [],
            "problem": each.problem_en,
        }
        for each in packs.packs()
    ]


def work() -> dict[str, Any]:
    """Queues, workers, processes, and why runs wait."""
    lines = queues.queues()
    groups = [asdict(each) | {"title": str(each.title), "ends": str(each.ends)} for each in waits.wait_groups(lines)]
    workers = [
        {"name": w.name, "queues": w.queues, "slots": w.slots, "at": w.at, "alive": w.alive, "runs": len(w.runs)}
        for w in queues.workers()
    ]
    return {
        "queues": [asdict(each) for each in lines],
        "waits": groups,
        "workers": workers,
        "processes": [asdict(each) for each in queues.processes()],
        "beats": queues.beats(),
    }


def runs() -> dict[str, Any]:
    """How many runs there are in each state, and the course of the newest that did not end well: by numbers alone."""
    with system_context("runs for a support bundle") as alias:
        every = StageRun.objects.using(alias)
        states = list(every.values_list("stage", "state").annotate(n=Count("id")).order_by())
        wanted = every.exclude(state=RunState.SUCCEEDED).order_by("-created_at")[:RUNS_SHOWN]
        found = [_run(run) for run in wanted]
        day = every.filter(state__in=FINAL_STATES, finished_at__gt=timezone.now() - timedelta(days=1))
        codes = Counter(str(code) for code in day.values_list("error__code", flat=True) if code)
        organizations = Organization.objects.using(alias).count()
    counts = [{"stage": stage, "state": state, "runs": n} for stage, state, n in states]
    return {"organizations": organizations, "counts": counts, "codes_of_the_day": codes, "newest": found}


def tables() -> dict[str, Any]:
    """Size and protection of every table, and the migrations that were applied."""
    with connections["default"].cursor() as cursor:
        cursor.execute(TABLES)
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in cursor.fetchall()]
    applied = MigrationRecorder(connections["owner"]).applied_migrations()
    return {"tables": rows, "migrations": sorted(f"{app}.{name}" for app, name in applied)}


def names_known() -> list[str]:
    """Names and addresses of organizations and people: what a scrubber has to know to take it out."""
    with system_context("names to be taken out") as alias:
        organizations = Organization.objects.using(alias).values_list("name", flat=True)
        people = User.objects.using(alias).values_list("email", "name")
        return [*organizations, *(text for pair in people for text in pair if text)]


def _run(run: StageRun) -> dict[str, Any]:
    keys = ("id", "organization_id", "stage", "queue", "state", "attempt", "max_attempts", "fence", "wait_kind")
    times = ("created_at", "queued_at", "started_at", "finished_at", "heartbeat_at", "lease_until", "not_before")
    code = run.error.get("code", "") if isinstance(run.error, dict) else ""
    reference = run.error.get("reference", "") if isinstance(run.error, dict) else ""
    shown = {key: getattr(run, key) for key in (*keys, *times)}
    return shown | {"error_code": code, "reference": reference}
