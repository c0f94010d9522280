"""``manage.py data run|pii``: curate a collection by a pack's recipe; find personal data in a file of texts."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from liaoyuan.accounts.selectors import organization_by_name
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.data.selectors import recipe_scenario
from liaoyuan.errors import InvalidInput, LiaoyuanError
from liaoyuan.knowledge.selectors import collection_by_name
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import RunState, StageRun
from liaoyuan.pipeline.ports import pii
from liaoyuan.pipeline.services import solution_create, stage_run_execute, stage_run_start


class Command(BaseCommand):
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
    for number, line in enumerate(_lines(options["file"]), start=1):
        try:
            item = json.loads(line)
            identifier, text = item["id"], str(item["text"])
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInput(detail=f"line {number}: {{id, text}} is needed") from error
        spans = [{"start": s.start, "end": s.end, "label": s.label, "value": s.value} for s in pii().scan(text)]
        rows.append({"id": identifier, "spans": spans})
    return {"rows": rows}


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
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
        run = stage_run_start(stage=StageName.DATA, solution_id=solution.id)
    stage_run_execute(run_id=run.id, worker="command line")
    with tenant_context(organization.id):
        done = StageRun.objects.get(id=run.id)
        artifact = done.artifacts.filter(kind="dataset_version").first()
    if done.state != RunState.SUCCEEDED:
        raise InvalidInput(detail=f"{done.error.get('code')}: {done.error.get('message_zh') or done.error}")
    return {
        "run": str(done.id),
        "dataset": done.result["dataset_version"],
        "dataset_version": done.result["dataset_version"],
        "hash": artifact.sha256 if artifact else "",
        "reused": done.result.get("reused", False),
        "counts": done.result["counts"],
        "trace": done.result["trace"],
    }
