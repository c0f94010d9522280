"""One import run, slice by slice over its files: each change is one row, and others come first when they wait."""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

from django.db.models import Count, F, Q
from django.db.models.functions import Now

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import LiaoyuanError
from liaoyuan.knowledge.errors import EmbedderDown, NothingToImport
from liaoyuan.knowledge.parse.pool import ParsePool
from liaoyuan.knowledge.services.finding import FoundFile, files_found, member_path, unpacking
from liaoyuan.knowledge.services.importing import (
    AHEAD,
    REREAD,
    FileOutcome,
    ImportJob,
    Incoming,
    collection_limits,
    file_finish,
    file_receive,
    version_receive,
)
from liaoyuan.knowledge.waiting.estimates import Costs
from liaoyuan.knowledge.waiting.models import ITEM_ACTIVE, ITEM_OPEN, ImportItem, ItemState
from liaoyuan.pipeline.adapters.model_server import ModelServerDown
from liaoyuan.pipeline.contract import GiveWay, RunCancelled, StageContext, WaitFor
from liaoyuan.pipeline.waiting import place_wanted

# Long enough that the children's start (a second or two) is a small part of it.
SLICE_SECONDS: Final = 20.0
COUNTED_SECONDS: Final = 2.0
STOPPED: Final = "import_stopped"
_PLANNED_AT_ONCE: Final = 1000


def items_plan(job: ImportJob, run_id: UUID, paths: Sequence[Path]) -> None:
    """List the files of ``paths`` as rows, once: all or none. Raises PathMissing, NothingToImport."""
    with tenant_context(job.organization_id, job.user_id):
        if ImportItem.objects.filter(run_id=run_id).exists():
            return
    with unpacking() as unpacked:
        files = [file for path in paths for file in files_found(path, unpacked)]
        if not files:
            raise NothingToImport(path=", ".join(str(path) for path in paths))
        with tenant_context(job.organization_id, job.user_id):
            costs = Costs()
            rows = [_planned(job, run_id, position, file, costs) for position, file in enumerate(files)]
            ImportItem.objects.bulk_create(rows, batch_size=_PLANNED_AT_ONCE)


def _planned(job: ImportJob, run_id: UUID, position: int, file: FoundFile, costs: Costs) -> ImportItem:
    size = 0 if file.error or file.path.is_symlink() or not file.path.is_file() else file.path.stat().st_size
    format_ = Path(file.name).suffix.lower().lstrip(".")[:12]
    item = ImportItem(
        organization_id=job.organization_id,
        collection_id=job.collection_id,
        run_id=run_id,
        requested_by=job.user_id,
        position=position,
        path=str(file.source),
        member=file.member,
        name=file.name.replace("\x00", " "),
        format=format_,
        size=size,
        expected_seconds=costs.seconds(format_, size),
    )
    if file.error is not None:
        item.state, item.code = ItemState.REJECTED, file.error.code
        item.reason_zh, item.reason_en = file.error.sentence("zh"), file.error.sentence("en")
    return item


@dataclass
class Slices:
    """The work of one attempt. ``run`` ends when no file is left, or raises GiveWay, WaitFor or RunCancelled."""

    job: ImportJob
    context: StageContext
    seconds: float = SLICE_SECONDS
    _ahead: deque[tuple[ImportItem, Incoming]] = field(default_factory=deque)
    _done: int = 0
    _total: int = 0
    _counted_at: float = float("-inf")

    def run(self) -> None:
        """Take files until none is left; what was begun and not finished goes back into the line, come what may."""
        self._resume()
        self._began = self._last = time.monotonic()
        with ParsePool(limits=collection_limits(self.job)) as pool:
            try:
                for item, incoming in self._line(pool):
                    self._finish(item, incoming)
                    self._go_on()
            except (EmbedderDown, ModelServerDown) as error:
                raise WaitFor(kind="engine", reason_zh=error.sentence("zh"), reason_en=error.sentence("en")) from error
            finally:
                self._release()

    def _resume(self) -> None:
        """After a lost worker its files are begun anew, after a retry also those that were stopped with the run."""
        with tenant_context(self.job.organization_id, self.job.user_id):
            mine = ImportItem.objects.filter(run_id=self.context.run_id)
            mine.filter(state__in=ITEM_ACTIVE).update(state=ItemState.QUEUED, started_at=None)
            stopped = mine.filter(state=ItemState.CANCELLED, code=STOPPED)
            stopped.update(state=ItemState.QUEUED, code="", reason_zh="", reason_en="", finished_at=None)

    def _line(self, pool: ParsePool) -> Iterator[tuple[ImportItem, Incoming]]:
        while True:
            while len(self._ahead) <= AHEAD and (item := self._take()) is not None:
                self._ahead.append((item, self._receive(item, pool)))
            if not self._ahead:
                return
            yield self._ahead.popleft()

    def _take(self) -> ImportItem | None:
        """The next file, made ours; one that somebody cancels at this moment is left to them."""
        with tenant_context(self.job.organization_id, self.job.user_id):
            queued = ImportItem.objects.filter(run_id=self.context.run_id, state=ItemState.QUEUED)
            item = queued.order_by("position", "id").select_for_update(skip_locked=True).first()
            if item is not None:
                ImportItem.objects.filter(id=item.id).update(
                    state=ItemState.PARSING, started_at=Now(), finished_at=None, tries=F("tries") + 1
                )
            return item

    def _receive(self, item: ImportItem, pool: ParsePool) -> Incoming:
        if self.context.spec.get(REREAD) and item.version_id is not None:
            return version_receive(self.job, item.version_id, item.name, pool)
        return file_receive(self.job, self._found(item), pool)

    def _found(self, item: ImportItem) -> FoundFile:
        source = Path(item.path)
        if item.member is None:
            return FoundFile(source, item.name, item.path, source=source)
        shown = f"{item.path}/{item.name}"
        try:
            path = member_path(source, item.member, self.context.checkpoint_dir / "unpacked")
        except LiaoyuanError as error:
            return FoundFile(source, item.name, shown, error, source=source, member=item.member)
        return FoundFile(path, item.name, shown, source=source, member=item.member)

    def _finish(self, item: ImportItem, incoming: Incoming) -> None:
        self._ahead.appendleft((item, incoming))  # until it is finished it must be released
        started, more = lambda: self._write(item, state=ItemState.EMBEDDING), len(self._ahead) > 1
        outcome = file_finish(self.job, incoming, started, more=more)
        now = time.monotonic()
        self._write(item, finished_at=Now(), share=now - self._last, **_columns(outcome))
        self._ahead.popleft()
        self._last = now
        self._tell(item, outcome)

    def _write(self, item: ImportItem, **columns: object) -> None:
        with tenant_context(self.job.organization_id, self.job.user_id):
            ImportItem.objects.filter(id=item.id, run_id=self.context.run_id).update(**columns)

    def _tell(self, item: ImportItem, outcome: FileOutcome) -> None:
        done, total = self._count()
        name = Path(item.name).name
        said = f"已处理 {done}/{total}：{name}", f"{done}/{total}: {name}"
        self.context.progress(done / total, *said, state=outcome.state, done=done, total=total)
        if outcome.code:
            self.context.log(f"{name}: {outcome.code}", reason=outcome.reason)

    def _count(self) -> tuple[int, int]:
        """Files that have ended, and all. Counted now and then, since people cancel and retry, and added up between:
        counting ten thousand rows after each of ten thousand files would take longer than reading them."""
        now = time.monotonic()
        if now - self._counted_at < COUNTED_SECONDS:
            self._done = min(self._done + 1, self._total)
            return self._done, self._total
        with tenant_context(self.job.organization_id, self.job.user_id):
            mine = ImportItem.objects.filter(run_id=self.context.run_id)
            counts = mine.aggregate(total=Count("id"), open=Count("id", filter=Q(state__in=ITEM_OPEN)))
        self._total, self._done, self._counted_at = counts["total"], counts["total"] - counts["open"], now
        return self._done, self._total

    def _go_on(self) -> None:
        if self.context.cancelled():
            raise RunCancelled
        if time.monotonic() - self._began > self.seconds and place_wanted(self.context.run_id):
            raise GiveWay

    def _release(self) -> None:
        ids = [item.id for item, _incoming in self._ahead]
        with tenant_context(self.job.organization_id, self.job.user_id):
            mine = ImportItem.objects.filter(run_id=self.context.run_id)
            mine.filter(id__in=ids, state__in=ITEM_ACTIVE).update(state=ItemState.QUEUED, started_at=None)
            if self.context.cancelled():
                words = {"reason_zh": "导入已停止", "reason_en": "The import was stopped"}
                mine.filter(state=ItemState.QUEUED).update(
                    state=ItemState.CANCELLED, code=STOPPED, finished_at=Now(), **words
                )


def _columns(outcome: FileOutcome) -> dict[str, object]:
    same = ("state", "code", "reason_en", "flags", "seconds", "peak_memory_mb", "pages", "blocks", "chunks", "version")
    columns: dict[str, object] = {name: getattr(outcome, name) for name in same}
    return columns | {
        "reason_zh": outcome.reason,
        "document_id": outcome.document_id or None,
        "version_id": outcome.version_id or None,
    }
