"""Ingestion as a durable run: the same import that the command line does, with progress, cancel and resume."""

from pathlib import Path
from typing import Any, ClassVar

from liaoyuan.industry.selectors import industry_get
from liaoyuan.knowledge.facts import pack_facts
from liaoyuan.knowledge.services.importing import FileOutcome, documents_import
from liaoyuan.pipeline.contract import Artifacts, RunCancelled, SolutionSpec, StageContext, StageName, StagePlan

# Measured on two cores: most of an import is embedding.
_SECONDS_PER_FILE = 4.0


class IngestStage:
    """Takes ``spec``: collection (a name), paths or pack (an industry's sample documents), groups. Gives document
    versions.

    The versions are registered file by file as they become ready, so that a resumed run finds what was done and
    skips it.
    """

    name: ClassVar[StageName] = StageName.INGEST
    queue: ClassVar[str] = "ingest"

    def plan(self, solution: SolutionSpec) -> StagePlan:
        files = len(solution.options.get("paths", ())) or 1
        return StagePlan("导入并索引文档", "Import and index documents", files * _SECONDS_PER_FILE)

    def run(self, context: StageContext) -> Artifacts:
        """Import; a file that cannot be read is listed and does not stop the run. Raises RunCancelled."""
        outcomes = documents_import(
            organization_id=context.solution.organization_id,
            user_id=context.solution.requested_by,
            run_id=context.run_id,
            report=lambda outcome, done, total: _tell(context, outcome, done, total),
            cancelled=context.cancelled,
            **_request(context),
        )
        if context.cancelled():
            raise RunCancelled
        states = [outcome.state for outcome in outcomes]
        ready, rejected = len(states) - states.count("rejected"), states.count("rejected")
        return Artifacts(
            result={"files": [outcome.as_dict() for outcome in outcomes], "ready": ready, "rejected": rejected},
            summary_zh=f"已导入 {ready} 个文件，{rejected} 个未能读取",
            summary_en=f"{ready} files imported, {rejected} could not be read",
            reused=bool(outcomes) and all("unchanged" in outcome.flags for outcome in outcomes),
        )


def _request(context: StageContext) -> dict[str, Any]:
    spec = context.spec
    request: dict[str, Any] = {"collection": str(spec["collection"]), "groups": spec.get("groups")}
    if spec.get("pack"):
        pack = industry_get(str(spec["pack"]))
        paths = [pack.document_path(document) for document in pack.documents.documents]
        return request | {"paths": paths, "facts": pack_facts(pack)}
    return request | {"paths": [Path(path) for path in spec["paths"]]}


def _tell(context: StageContext, outcome: FileOutcome, done: int, total: int) -> None:
    name = Path(outcome.path).name
    context.progress(done / total, f"已处理 {done}/{total}：{name}", f"{done}/{total}: {name}", state=outcome.state)
    if outcome.code:
        context.log(f"{name}: {outcome.code}", reason=outcome.reason)
