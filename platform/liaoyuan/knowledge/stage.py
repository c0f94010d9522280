"""Ingestion as a durable run: the same import that the command line does, with progress, cancel and resume."""

from pathlib import Path
from typing import Any, ClassVar, Final

from django.db.models import Case, Count, Q, Value, When

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.industry.selectors import industry_get
from liaoyuan.knowledge.facts import pack_facts
from liaoyuan.knowledge.services.collecting import collection_create
from liaoyuan.knowledge.services.importing import REREAD, ImportJob
from liaoyuan.knowledge.services.rereading import edits_waiting
from liaoyuan.knowledge.shadow.freeing import generations_forget
from liaoyuan.knowledge.waiting.estimates import FIRST_SECONDS
from liaoyuan.knowledge.waiting.models import ITEM_DONE, ImportItem, ItemState
from liaoyuan.knowledge.waiting.services import AGAIN
from liaoyuan.knowledge.waiting.slices import Slices, items_plan
from liaoyuan.pipeline.contract import Artifacts, RunCancelled, SolutionSpec, StageContext, StageName, StagePlan

# The result names so many files, those with a problem first; all of them stand in their own table.
NAMED: Final = 200


class IngestStage:
    """Takes ``spec``: collection (a name), paths or pack (an industry's sample documents), groups. Gives document
    versions.

    The versions are registered file by file as they become ready, so that a resumed run finds what was done and
    goes on behind it. It works in slices: while other runs wait for a worker it lets them go first.
    """

    name: ClassVar[StageName] = StageName.INGEST
    queue: ClassVar[str] = "ingest"

    def plan(self, solution: SolutionSpec) -> StagePlan:
        files = len(solution.options.get("paths", ())) or 1
        return StagePlan("导入并索引文档", "Import and index documents", files * FIRST_SECONDS)

    def run(self, context: StageContext) -> Artifacts:
        """Import; a file that cannot be read is listed and does not stop the run. Raises RunCancelled, GiveWay,
        WaitFor."""
        job, paths = _job(context)
        if not context.spec.get(AGAIN):
            items_plan(job, context.run_id, paths)
        Slices(job, context).run()
        if context.cancelled():
            raise RunCancelled
        with tenant_context(job.organization_id, job.user_id):
            generations_forget(job.collection_id)
        return _artifacts(job, context)


def _job(context: StageContext) -> tuple[ImportJob, list[Path]]:
    spec, solution = context.spec, context.solution
    facts: dict[str, Any] = {}
    paths = [Path(path) for path in spec.get("paths", ())]
    if spec.get("pack"):
        pack = industry_get(str(spec["pack"]))
        paths = [pack.document_path(document) for document in pack.documents.documents]
        facts = dict(pack_facts(pack))
    groups = None if spec.get("groups") is None else tuple(spec["groups"])
    with tenant_context(solution.organization_id, solution.requested_by):
        collection_id = collection_create(name=str(spec["collection"]))[0].id
    who = solution.requested_by
    return ImportJob(solution.organization_id, collection_id, who, context.run_id, groups, facts), paths


def _artifacts(job: ImportJob, context: StageContext) -> Artifacts:
    with tenant_context(job.organization_id, job.user_id):
        items = ImportItem.objects.filter(run_id=context.run_id)
        counts = items.aggregate(
            ready=Count("id", filter=Q(state__in=ITEM_DONE)),
            rejected=Count("id", filter=Q(state=ItemState.REJECTED)),
            cancelled=Count("id", filter=Q(state=ItemState.CANCELLED)),
            total=Count("id"),
            unchanged=Count("id", filter=Q(flags__contains=["unchanged"])),
        )
        trouble = Case(When(state=ItemState.READY, then=Value(1)), default=Value(0))
        named = [_named(item) for item in items.order_by(trouble, "position")[:NAMED]]
        versions = [each.version_id for each in items if each.version_id] if context.spec.get(REREAD) else []
        lost = edits_waiting(versions)
    unchanged = counts.pop("unchanged")
    zh, en = _summary(counts, sum(lost.values()), again=bool(context.spec.get(REREAD)))
    return Artifacts(
        result={"files": named} | counts | ({"edits_lost": sum(lost.values())} if context.spec.get(REREAD) else {}),
        summary_zh=zh,
        summary_en=en,
        reused=0 < counts["total"] == unchanged,
    )


def _summary(counts: dict[str, Any], lost: int, *, again: bool) -> tuple[str, str]:
    ready, rejected = counts["ready"], counts["rejected"]
    if not again:
        return f"已导入 {ready} 个文件，{rejected} 个未能读取", f"{ready} files imported, {rejected} could not be read"
    zh, en = f"已重新解析 {ready} 个文件", f"{ready} file{'s' * (ready != 1)} read again"
    if rejected:
        zh, en = f"{zh}，{rejected} 个未能解析", f"{en}, {rejected} could not be read"
    if lost:
        zh, en = f"{zh}；{lost} 项人工修改未能带入", f"{en}; {lost} edit{'s' * (lost != 1)} could not be carried over"
    return zh, en


def _named(item: ImportItem) -> dict[str, Any]:
    """A file as :class:`FileOutcome` gives it."""
    same = ("state", "code", "reason_en", "flags", "pages", "blocks", "chunks", "seconds", "peak_memory_mb", "version")
    return {name: getattr(item, name) for name in same} | {
        "path": item.path if item.member is None else f"{item.path}/{item.name}",
        "reason": item.reason_zh,
        "document_id": str(item.document_id or ""),
        "version_id": str(item.version_id or ""),
    }
