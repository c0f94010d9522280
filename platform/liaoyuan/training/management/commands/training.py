"""``manage.py training run``: train on a dataset version, here and now, by the service that a worker calls."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from django.core.management.base import CommandParser

from liaoyuan.accounts.commands import MODEL_SERVER, POSTGRES, EngineCommand
from liaoyuan.accounts.selectors import organization_by_name
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import InvalidInput, LiaoyuanError
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import RunState, StageRun
from liaoyuan.pipeline.services import stage_run_execute, stage_run_start
from liaoyuan.pipeline.waiting import wait_report
from liaoyuan.training.schemas import RECIPES
from liaoyuan.training.selectors import dataset_version_named
from liaoyuan.training.stage import recipe_of


class Command(EngineCommand):
    help = "Train an adapter on a dataset version, evaluate it against its base, and prove parity with the server."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        run = verbs.add_parser("run", help="one training run, to its end")
        run.add_argument("--organization", required=True)
        run.add_argument("--dataset", required=True, help="id of a dataset version, or a dataset's name (its newest)")
        run.add_argument("--recipe", default="default", help=", ".join(sorted(RECIPES)))
        run.add_argument("--seed", type=int, help="another seed than the recipe's")
        run.add_argument("--json", action="store_true", help="print one JSON object")

    def engines_needed(self, options: Mapping[str, Any]) -> Collection[str]:
        return POSTGRES, MODEL_SERVER

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            answer = _run(options)
        except LiaoyuanError as error:
            self.stderr.write(f"{error.code}: {error.sentence('zh')} {error.sentence('en')}")
            raise SystemExit(1) from error
        self.stdout.write(json.dumps(answer, ensure_ascii=False, indent=None if options["json"] else 1))


def _run(options: dict[str, Any]) -> dict[str, Any]:
    organization = organization_by_name(options["organization"])
    chosen: dict[str, Any] = {"recipe": options["recipe"]}
    if options["seed"] is not None:
        chosen["seed"] = options["seed"]
    recipe_of(chosen)
    with tenant_context(organization.id):
        dataset = dataset_version_named(options["dataset"])
        solution = dataset.run.solution if dataset.run else None
        run = stage_run_start(
            stage=StageName.TRAINING,
            solution_id=solution.id if solution else None,
            spec={"training": chosen, "inputs": {"dataset_version": str(dataset.id)}},
            answered=True,
        )
    stage_run_execute(run_id=run.id, worker="command line")
    with tenant_context(organization.id):
        done = StageRun.objects.get(id=run.id)
        return _answer(done, str(dataset.id))


def _answer(done: StageRun, dataset: str) -> dict[str, Any]:
    wait = wait_report(done)
    if wait is not None:
        raise InvalidInput(detail=f"{wait.kind}: {wait.reason_zh} {wait.reason_en}")
    if done.state != RunState.SUCCEEDED:
        raise InvalidInput(detail=f"{done.error.get('code')}: {done.error.get('zh')} {done.error.get('en')}")
    result = dict(done.result)
    return {"run": str(done.id), "dataset": dataset, "reused": False} | result
