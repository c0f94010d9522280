"""``manage.py data run|pii``: curate a collection by a pack's recipe; find personal data in a file of texts."""

import json
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from liaoyuan.accounts.commands import POSTGRES, EngineCommand
from liaoyuan.accounts.selectors import organization_by_name
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.data.errors import LineInvalid, RunEnded
from liaoyuan.data.selectors import recipe_scenario, version_get
from liaoyuan.errors import InvalidInput, LiaoyuanError
from liaoyuan.knowledge.selectors import collection_by_name
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import FINAL_STATES, RunState, StageRun
from liaoyuan.pipeline.ports import pii
from liaoyuan.pipeline.services import solution_create, stage_run_execute, stage_run_start
from liaoyuan.pipeline.waiting import wait_report
from liaoyuan.pipeline.waits import SUSPENDED

POLL_SECONDS = 0.5


class Command(EngineCommand):
    help = "Curate data by a pack's recipe, or list the personal data in texts."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        run = verbs.add_parser("run", help="recipe over a collection's documents: dataset version, counts, drop trace")
        run.add_argument("--organization", required=True)
        run.add_argument("--recipe", required=True, help="the recipe's name, as `industry list` shows it")
        run.add_argument("--collection", required=True)
        scan = verbs.add_parser("pii", help="lines {id, text}: the personal data of each")
        scan.add_argument("file", type=Path)
        for sub in (run, scan):
            sub.add_argument("--json", action="store_true", help="print one JSON object")

    def engines_needed(self, options: Mapping[str, Any]) -> Collection[str]:
        return (POSTGRES,) if options["verb"] == "run" else ()

    def handle(self, *args: Any, **options: Any) -> None:
        verb = {"run": _run, "pii": _pii}[options["verb"]]
        try:
            answer = verb(options)
        except LiaoyuanError as error:
            self.stderr.write(f"{error.code}: {error.sentence('zh')} {error.sentence('en')}")
            raise SystemExit(1) from error
        self.stdout.write(json.dumps(answer, ensure_ascii=False, indent=None if options["json"] else 1))


def _pii(options: dict[str, Any]) -> dict[str, Any]:
    rows = []
    for number, line in _lines(options["file"]):
        try:
            item = json.loads(line)
            identifier, text = item["id"], item["text"]
            if not isinstance(text, str):
                raise TypeError
        except (ValueError, KeyError, TypeError) as error:
            detail = f"{options['file']}, {number}: {{id, text}}"
            raise LineInvalid(detail=detail) from error
        spans = [{"start": s.start, "end": s.end, "label": s.label, "value": s.value} for s in pii().scan(text)]
        rows.append({"id": identifier, "spans": spans})
    return {"rows": rows}


def _lines(path: Path) -> list[tuple[int, str]]:
    """The lines that are not blank, numbered as an editor shows them. JSON may hold other line separators than LF."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
        return [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(detail=f"{path}: {error}") from error


def _run(options: dict[str, Any]) -> dict[str, Any]:
    """The data stage as a durable run, executed here and now by the same service that a worker calls."""
    organization = organization_by_name(options["organization"])
    industry, scenario = recipe_scenario(options["recipe"])
    with tenant_context(organization.id):
        collection = collection_by_name(options["collection"])
        name = f"{collection.name} · {scenario}"
        solution, _ = solution_create(name=name, industry=industry, scenario=scenario, collection_id=collection.id)
        run = stage_run_start(stage=StageName.DATA, solution_id=solution.id, answered=True)
    done = _ended(organization.id, run.id)
    with tenant_context(organization.id):
        if done.state != RunState.SUCCEEDED:
            raise RunEnded(**_said(done))
        version = version_get(UUID(done.result["dataset_version"]))
    return {
        "run": str(done.id),
        "dataset": str(version.id),
        "dataset_version": str(version.id),
        "name": version.dataset.name,
        "number": version.number,
        "hash": version.sha256,
        "reused": done.result.get("reused", False),
        "counts": done.result["counts"],
        "trace": done.result["trace"],
    }


def _ended(organization_id: UUID, run_id: UUID) -> StageRun:
    """The run, carried to its end here, retries too, or waiting for what no worker gives; a worker that heard the
    doorbell first may still be at it."""
    while True:
        stage_run_execute(run_id=run_id, worker="command line")
        with tenant_context(organization_id):
            run = StageRun.objects.get(id=run_id)
            wait = wait_report(run)
        if run.state in FINAL_STATES or run.state == RunState.WAITING or (wait and wait.kind == SUSPENDED):
            return run
        time.sleep(POLL_SECONDS)


def _said(run: StageRun) -> dict[str, str]:
    """Why the run did not succeed or what it waits for, in both languages. Call inside the tenant's context."""
    wait = wait_report(run)
    if wait is not None:
        return {"code": wait.kind, "why_zh": wait.reason_zh, "why_en": wait.reason_en}
    code = run.error.get("code", run.state)
    return {"code": code, "why_zh": run.error.get("zh") or run.state, "why_en": run.error.get("en") or run.state}
