"""What people do to the files of imports: try again, cancel; one, several, all. Inside the tenant context."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from django.db.models.functions import Now

from liaoyuan.accounts.services import audit_record
from liaoyuan.errors import LiaoyuanError
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.waiting.models import ITEM_AGAIN, ItemState
from liaoyuan.knowledge.waiting.selectors import items_of
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import StageRun
from liaoyuan.pipeline.services import stage_run_start

# In the spec of a run that takes up files of earlier ones: they are its rows already.
AGAIN = "again"


class NothingToRetry(LiaoyuanError):
    code = "nothing_to_retry"
    zh = "没有可以重试的文件：它们在排队、正在处理，或者已经就绪。"
    en = "There is no file to try again: they are in line, being read, or ready."
    status = 409


class NothingToCancel(LiaoyuanError):
    code = "nothing_to_cancel"
    zh = "没有在排队的文件：已经开始的会很快完成，其余的已经结束。"
    en = "No file is in line: those that were begun end soon, the others have ended."
    status = 409


def items_retry(*, collection: Collection, item_ids: Sequence[UUID] | None = None) -> list[StageRun]:
    """Begin runs over the refused and cancelled files (all that the person sees, or those named); one run for each
    earlier one, since groups and facts belong to it. Raises NothingToRetry."""
    wanted = items_of(collection.id).filter(state__in=ITEM_AGAIN)
    wanted = wanted if item_ids is None else wanted.filter(id__in=item_ids)
    by_run: dict[UUID, list[UUID]] = defaultdict(list)
    for item_id, run_id in wanted.select_for_update().values_list("id", "run_id"):
        by_run[run_id].append(item_id)
    if not by_run:
        raise NothingToRetry
    specs = dict(StageRun.objects.filter(id__in=list(by_run)).values_list("id", "spec"))
    runs = []
    for run_id, ids in by_run.items():
        spec = specs.get(run_id) or {"collection": collection.name, "collection_id": str(collection.id)}
        run = stage_run_start(stage=StageName.INGEST, spec=spec | {AGAIN: True})
        items_of(collection.id).filter(id__in=ids).update(
            run_id=run.id, state=ItemState.QUEUED, code="", reason_zh="", reason_en="", flags=[], finished_at=None
        )
        runs.append(run)
    detail = {"files": sum(len(ids) for ids in by_run.values()), "runs": [str(run.id) for run in runs]}
    audit_record(action="document.retry", object_kind="collection", object_id=collection.id, detail=detail)
    return runs


def items_cancel(*, collection: Collection, item_ids: Sequence[UUID] | None = None) -> int:
    """Take files out of the line (all that the person sees, or those named); how many. What is ready stays.

    Raises NothingToCancel.
    """
    waiting = items_of(collection.id).filter(state=ItemState.QUEUED)
    waiting = waiting if item_ids is None else waiting.filter(id__in=item_ids)
    words = {"reason_zh": "已取消，可随时重试", "reason_en": "Cancelled; it can be tried again at any time"}
    count = waiting.update(state=ItemState.CANCELLED, code="cancelled", finished_at=Now(), **words)
    if not count:
        raise NothingToCancel
    detail = {"files": count}
    audit_record(action="document.cancel", object_kind="collection", object_id=collection.id, detail=detail)
    return count
