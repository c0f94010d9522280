"""``python -m tests.integration.offline.journey DATABASE ORGANIZATION FOLDER``: import, ask, the first two stages."""

import json
import sys
from pathlib import Path
from uuid import UUID

import django

from tests.engines import database_use


def main(database: str, organization: str, folder: str) -> None:
    django.setup()
    database_use(database)
    from django.conf import settings

    from liaoyuan.compute.engines.addresses import engine_addresses
    from liaoyuan.compute.engines.manager import engines_down, engines_up

    # The model server belongs to this network: another's loopback is out of reach.
    addresses = engine_addresses(Path(folder) / "var")
    engines_up(addresses, only=["model_server"])
    settings.MODEL_SERVER_URL = addresses.model_server_url
    settings.MODEL_SERVER_TOKEN = addresses.model_server_token_file.read_text(encoding="utf-8")
    try:
        sys.stdout.write(json.dumps(_journey(UUID(organization), Path(folder) / "documents"), default=str) + "\n")
    finally:
        engines_down(addresses, only=["model_server"])


def _journey(organization_id: UUID, documents: Path) -> dict[str, object]:
    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.industry.selectors import industry_get
    from liaoyuan.knowledge.answer import answer_question
    from liaoyuan.knowledge.selectors import collection_by_name
    from liaoyuan.pipeline.models import StageRun
    from liaoyuan.pipeline.services import pipeline_start, solution_create, stage_run_execute, stage_run_start

    def execute(run_id: UUID) -> str:
        stage_run_execute(run_id=run_id, worker="journey")
        with tenant_context(organization_id):
            run = StageRun.objects.get(id=run_id)
        return run.state if not run.error else f"{run.state}: {run.error['en']}"

    with tenant_context(organization_id):
        imported = stage_run_start(stage="ingest", spec={"collection": "制度", "paths": [str(documents)]}).id
    states = {"ingest": execute(imported)}
    with tenant_context(organization_id):
        collection = collection_by_name("制度")
        answer = answer_question(collection.id, "速干手消毒剂开启后的有效期为多少天？")
        scenario = next(iter(industry_get("medical").scenarios))
        solution, _ = solution_create(
            name="offline", industry="medical", scenario=scenario, collection_id=collection.id
        )
        runs = list(pipeline_start(solution_id=solution.id).runs.order_by("position")[:2])
    for run in runs:
        states[run.stage] = execute(run.id)
    return {"states": states, "answer": answer.answer}


if __name__ == "__main__":
    main(*sys.argv[1:])
