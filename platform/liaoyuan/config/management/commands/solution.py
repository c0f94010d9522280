"""``manage.py solution create|run|status|ask``: what the portal does, from the command line."""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser
from rich.console import Console

from liaoyuan.accounts.commands import MODEL_SERVER, POSTGRES, EngineCommand
from liaoyuan.accounts.models import Organization, User
from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.resolver import principal_from_session
from liaoyuan.accounts.selectors import organization_by_name
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.config.demo.board import run_error, run_sentence, run_time
from liaoyuan.config.demo.watching import FAILED_STATES, Watcher
from liaoyuan.deployment.answering import Asker, answer
from liaoyuan.deployment.selectors import deployment_live
from liaoyuan.errors import LiaoyuanError, NotFound
from liaoyuan.industry.selectors import scenario_get
from liaoyuan.knowledge.selectors import collection_by_name
from liaoyuan.operations.selectors import solution_health, span_seconds
from liaoyuan.pipeline.models import Solution, StageRun
from liaoyuan.pipeline.selectors import board
from liaoyuan.pipeline.services import pipeline_start, solution_create, stage_run_approve
from liaoyuan.pipeline.waiting import wait_report
from liaoyuan.pipeline.waits import NO_WORKER, SUSPENDED


class Command(EngineCommand):
    help = "Create a solution, run its six stages, see where it stands, ask it."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="an organization's instance of a scenario over a collection")
        create.add_argument("--industry", required=True)
        create.add_argument("--scenario", required=True)
        create.add_argument("--collection", required=True)
        run = verbs.add_parser("run", help="start the six stages; workers must be running (make up)")
        run.add_argument("--wait", action="store_true", help="follow the stages live until they end")
        run.add_argument("--approve-as", metavar="EMAIL", help="with --wait: approve in this owner's name")
        status = verbs.add_parser("status", help="stages, answers, tokens, cost, latency, feedback, drift")
        status.add_argument("--days", type=int, default=1)
        ask = verbs.add_parser("ask", help="one question through the live deployment")
        ask.add_argument("question")
        ask.add_argument("--user", metavar="EMAIL", help="ask with this member's rights; default: the operator's")
        ask.add_argument("--mode", choices=("extractive", "generative"))
        for sub in (create, run, status, ask):
            sub.add_argument("--organization", required=True)
            sub.add_argument("--solution", required=True, metavar="NAME")
            sub.add_argument("--json", action="store_true", help="print one JSON object last")

    def engines_needed(self, options: Mapping[str, Any]) -> Collection[str]:
        return (POSTGRES, MODEL_SERVER) if options["verb"] == "ask" else (POSTGRES,)

    def handle(self, *args: Any, **options: Any) -> None:
        verb = {"create": _create, "run": _run, "status": _status, "ask": _ask}[options["verb"]]
        try:
            result = verb(organization_by_name(options["organization"]), options)
        except LiaoyuanError as error:
            self.stderr.write(f"{error.code}: {error.sentence('zh')} {error.sentence('en')}")
            raise SystemExit(1) from error
        indent = None if options["json"] else 1
        self.stdout.write(json.dumps(result, ensure_ascii=False, indent=indent, default=str))


def _solution(name: str) -> Solution:
    found = Solution.objects.filter(name=name).first()
    if found is None:
        raise NotFound
    return found


def _principal(email: str, organization_id: UUID) -> Principal:
    """The member with this address; somebody of another organization is simply not found."""
    user = User.objects.filter(email=email.lower()).first()
    if user is None:
        raise NotFound
    return principal_from_session(user, organization_id)


def _create(organization: Organization, options: dict[str, Any]) -> dict[str, Any]:
    scenario_get(options["industry"], options["scenario"])
    with tenant_context(organization.id):
        collection = collection_by_name(options["collection"])
        solution, created = solution_create(
            name=options["solution"],
            industry=options["industry"],
            scenario=options["scenario"],
            collection_id=collection.id,
        )
    return {"id": solution.id, "name": solution.name, "created": created}


def _run(organization: Organization, options: dict[str, Any]) -> dict[str, Any]:
    if options["approve_as"]:
        # Refused now, not when the gates have been passed.
        _principal(options["approve_as"], organization.id)
    with tenant_context(organization.id):
        solution = _solution(options["solution"])
        pipeline = pipeline_start(solution_id=solution.id)
    load = StageRun.objects.filter(pipeline_id=pipeline.id).order_by("position")
    if options["wait"]:
        _tell_idle(organization, load.all())
        _watcher(organization, options).watch(load.all)
    with tenant_context(organization.id):
        return {"pipeline": pipeline.id, "number": pipeline.number, "stages": [_stage(run) for run in load.all()]}


def _tell_idle(organization: Organization, runs: Iterable[StageRun]) -> None:
    """Say what the first stage waits for where nobody will begin it: no worker runs, or the organization is closed."""
    with tenant_context(organization.id):
        wait = wait_report(next(iter(runs)))
    if wait is not None and wait.kind in (NO_WORKER, SUSPENDED):
        Console(stderr=True).print(f"{wait.reason_zh} {wait.reason_en}", highlight=False, soft_wrap=True)


def _watcher(organization: Organization, options: dict[str, Any]) -> Watcher:
    def approve(run: StageRun) -> None:
        principal = _principal(options["approve_as"], organization.id)
        with tenant_context(organization.id, principal.user_id):
            stage_run_approve(principal=principal, run_id=run.id, note="manage.py solution run")

    return Watcher(
        organization_id=organization.id,
        console=Console(stderr=True),
        language="en",
        on_approval=approve if options["approve_as"] else None,
    )


def _stage(run: StageRun) -> dict[str, Any]:
    failed = {"error": run.error, "message": run_error(run, "en")} if run.state in FAILED_STATES else {}
    return {
        "stage": run.stage,
        "state": run.state,
        "progress": run.progress,
        "time": run_time(run, "en"),
        "zh": run_sentence(run, "zh"),
        "en": run_sentence(run, "en"),
    } | failed


def _status(organization: Organization, options: dict[str, Any]) -> dict[str, Any]:
    with tenant_context(organization.id):
        solution = _solution(options["solution"])
        found = board(solution.id)
        deployment = deployment_live(solution.id)
        return {
            "solution": solution.name,
            "industry": solution.industry,
            "scenario": solution.scenario,
            "pipeline": found.pipeline.number if found.pipeline else None,
            "stages": [_stage(card.run) for card in found.cards],
            "deployment": deployment.id if deployment else None,
            "bundle": deployment.bundle.number if deployment else None,
            "health": solution_health(solution.id, days=options["days"]),
            "span_seconds": span_seconds(solution.id, days=options["days"]),
        }


def _ask(organization: Organization, options: dict[str, Any]) -> dict[str, Any]:
    asker = Asker(organization_id=organization.id, user_id=None, groups=None)
    if options["user"]:
        principal = _principal(options["user"], organization.id)
        asker = Asker(principal.organization_id, principal.user_id, principal.document_groups)
    with tenant_context(asker.organization_id, asker.user_id, groups=asker.groups):
        deployment = deployment_live(_solution(options["solution"]).id)
    if deployment is None:
        raise NotFound
    answered = answer(asker=asker, deployment=deployment, question=options["question"], mode=options["mode"])
    return {
        "answer": answered.text,
        "abstained": answered.abstained,
        "mode": answered.mode,
        "fell_back": answered.fell_back,
        "citations": answered.citations,
        "trace_id": answered.trace_id,
        "seconds": answered.seconds,
        "timings": answered.timings,
        "guard": answered.guard,
    }
