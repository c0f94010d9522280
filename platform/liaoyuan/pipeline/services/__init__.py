"""What changes the ledger. Call these inside ``tenant_context``, except where a function says that it opens its own."""

from liaoyuan.pipeline.services.doorbells import doorbells_ring
from liaoyuan.pipeline.services.drafting import draft_change, draft_discard, draft_locked, draft_open
from liaoyuan.pipeline.services.executing import stage_run_execute
from liaoyuan.pipeline.services.lineage import artifact_register, lineage_write
from liaoyuan.pipeline.services.managing import solution_archive, solution_name, solution_rename, solution_restore
from liaoyuan.pipeline.services.reaping import runs_reap
from liaoyuan.pipeline.services.starting import pipeline_start, solution_create, stage_run_start
from liaoyuan.pipeline.services.steering import (
    pipeline_cancel,
    stage_run_approve,
    stage_run_cancel,
    stage_run_resume,
    stage_run_retry,
)
from liaoyuan.pipeline.services.workers import worker_beat, worker_gone

__all__ = [
    "artifact_register",
    "doorbells_ring",
    "draft_change",
    "draft_discard",
    "draft_locked",
    "draft_open",
    "lineage_write",
    "pipeline_cancel",
    "pipeline_start",
    "runs_reap",
    "solution_archive",
    "solution_create",
    "solution_name",
    "solution_rename",
    "solution_restore",
    "stage_run_approve",
    "stage_run_cancel",
    "stage_run_execute",
    "stage_run_resume",
    "stage_run_retry",
    "stage_run_start",
    "worker_beat",
    "worker_gone",
]
