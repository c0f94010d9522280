"""``manage.py knowledge learn``: the order of search learned from a collection's own questions, or the stock one."""

from argparse import ArgumentParser
from typing import Any

from liaoyuan.accounts.selectors import organization_by_name
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.questions.teaching import learning_start, ranking_of, ranking_reset
from liaoyuan.knowledge.selectors import collection_by_name
from liaoyuan.pipeline.models import StageRun
from liaoyuan.pipeline.services import stage_run_execute


def learn_arguments(parser: ArgumentParser) -> None:
    """What ``learn`` takes."""
    parser.add_argument("--reset", action="store_true", help="back to the weights that the platform brings")


def learn_verb(options: dict[str, Any]) -> dict[str, Any]:
    """Learn in this process; the answer says whether it was kept, with the numbers, and which weights are in force."""
    organization = organization_by_name(options["organization"])
    with tenant_context(organization.id):
        collection_id = collection_by_name(options["collection"]).id
        if options["reset"]:
            ranking_reset(collection_id=collection_id)
            return {"weights": ranking_of(collection_id).weights}
        run = learning_start(collection_id=collection_id, answered=True)
    state = stage_run_execute(run_id=run.id, worker="command")
    with tenant_context(organization.id):
        done = StageRun.objects.get(id=run.id)
        told = {"run": str(done.id), "state": state or done.state, "error": done.error, "result": done.result}
        return told | {"weights": ranking_of(collection_id).weights}
