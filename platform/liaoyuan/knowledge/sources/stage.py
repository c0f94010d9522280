"""Synchronization as a durable run: progress, cancel, resume, and it lets others go first."""

from typing import ClassVar
from uuid import UUID

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import LiaoyuanError
from liaoyuan.knowledge.sources.listing import told_error
from liaoyuan.knowledge.sources.models import Source
from liaoyuan.knowledge.sources.syncing import Sync
from liaoyuan.pipeline.contract import (
    Artifacts,
    RunCancelled,
    SolutionSpec,
    StageContext,
    StageFailed,
    StageName,
    StagePlan,
)

_SECONDS: float = 60.0


class SourceGone(StageFailed):
    code = "source_gone"
    zh = "这个同步来源已被移除。"
    en = "This source was removed."


class SyncStage:
    """Takes ``spec``: source_id, collection_id, confirmed (so many endings a person agreed to). Gives document
    versions, registered one by one as they become ready."""

    name: ClassVar[StageName] = StageName.SYNC
    queue: ClassVar[str] = "ingest"

    def plan(self, solution: SolutionSpec) -> StagePlan:
        return StagePlan("与来源同步", "Synchronize with the source", _SECONDS)

    def run(self, context: StageContext) -> Artifacts:
        """Raises SourceGone, RunCancelled, GiveWay, WaitFor, and what the source raises as a whole."""
        source_id = UUID(str(context.spec["source_id"]))
        organization = context.solution.organization_id
        with tenant_context(organization):
            if not Source.objects.filter(id=source_id).exists():
                raise SourceGone
        try:
            sync = Sync(context, source_id)
            counts = sync.run()
        except RunCancelled:
            raise
        except LiaoyuanError as error:
            with tenant_context(organization):
                Source.objects.filter(id=source_id).update(error=told_error(error), last_run_id=context.run_id)
            raise
        return Artifacts(
            result={"source_id": str(source_id), "counts": counts, "asks": sync.asks},
            summary_zh=_zh(counts),
            summary_en=_en(counts),
            reused=not any(counts.get(key) for key in ("read", "renamed", "gone", "failed", "regrouped")),
        )


def _zh(counts: dict[str, int]) -> str:
    told = f"读取 {counts.get('read', 0)}，未变 {counts.get('unchanged', 0)}，终止 {counts.get('gone', 0)}"
    told += f"，改名 {counts['renamed']}" if counts.get("renamed") else ""
    told += f"，失败 {counts['failed']}" if counts.get("failed") else ""
    return told + (f"；{counts['held']} 份待确认终止" if counts.get("held") else "")


def _en(counts: dict[str, int]) -> str:
    told = f"{counts.get('read', 0)} read, {counts.get('unchanged', 0)} unchanged, {counts.get('gone', 0)} ended"
    told += f", {counts['renamed']} renamed" if counts.get("renamed") else ""
    told += f", {counts['failed']} failed" if counts.get("failed") else ""
    return told + (f"; {counts['held']} endings wait for a person" if counts.get("held") else "")
