"""One synchronization: list, read what is new or changed, end what is gone. Rows are its memory, so it may be killed
anywhere and goes on from there."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from liaoyuan.accounts.services import audit_record
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.adapters.embeddings import Embedder
from liaoyuan.knowledge.errors import EmbedderDown
from liaoyuan.knowledge.models import Document, DocumentVersion
from liaoyuan.knowledge.parse.pool import ParsePool
from liaoyuan.knowledge.services.erasing import document_erase
from liaoyuan.knowledge.services.importing import ImportJob, collection_limits
from liaoyuan.knowledge.services.versioning import version_end
from liaoyuan.knowledge.sources.bringing import Bringing
from liaoyuan.knowledge.sources.connector import Connector
from liaoyuan.knowledge.sources.counting import closed_by, counts_add, counts_closed, counts_going, counts_shown
from liaoyuan.knowledge.sources.listing import Listed, batch_store, batches
from liaoyuan.knowledge.sources.models import Gone, ItemState, Source, SourceItem, SourceState
from liaoyuan.knowledge.sources.opening import source_open
from liaoyuan.pipeline.adapters.model_server import ModelServerDown
from liaoyuan.pipeline.contract import GiveWay, RunCancelled, StageContext, WaitFor
from liaoyuan.pipeline.waiting import place_wanted

AHEAD: Final = 4
SLICE_SECONDS: Final = 20.0
# So few endings are everyday; more than this share of what is known may be a disk that is not mounted.
FEW: Final = 5
SHARE: Final = 0.2
_ENDED_AT_ONCE: Final = 200


@dataclass
class Sync:
    """The work of one attempt. ``run`` gives the counts, or raises RunCancelled, GiveWay or WaitFor."""

    context: StageContext
    source_id: UUID
    engine: Embedder | None = None
    # So many endings wait for a person's word who has not been asked for it before.
    asks: int = 0

    def run(self) -> dict[str, int]:
        saved = self.context.checkpoint
        with self._tenant():
            source = self._source()
            if closed_by(source, self.context.run_id):
                return counts_shown(source)
            connector = source_open(source)
        generation = int(saved.get("generation", 0)) or self._begin(source)
        if not saved.get("listed"):
            self._list(source, connector, generation)
        self._read(source, connector, generation)
        held = self._end(source, generation)
        return self._close(source, held)

    def _tenant(self) -> Any:
        return tenant_context(self.context.solution.organization_id, self.context.solution.requested_by)

    def _source(self) -> Source:
        return Source.objects.select_related("collection").get(id=self.source_id)

    def _begin(self, source: Source) -> int:
        with self._tenant():
            locked = Source.objects.select_for_update().get(id=source.id)
            locked.generation += 1
            locked.save(update_fields=["generation"])
        self._keep(locked.generation, listed=False)
        return locked.generation

    def _keep(self, generation: int, *, listed: bool) -> None:
        self.context.checkpoint_save({"generation": generation, "listed": listed})

    def _list(self, source: Source, connector: Connector, generation: int) -> None:
        seen = 0
        for batch in batches(connector.entries()):
            with self._tenant():
                counts_add(source.id, self.context.run_id, asdict(batch_store(source, generation, batch)))
            seen += len(batch)
            self.context.progress(0.0, f"已列出 {seen} 个文件", f"{seen} files listed")
            self._go_on()
        self._keep(generation, listed=True)

    def _read(self, source: Source, connector: Connector, generation: int) -> None:
        with self._tenant():
            pending = self._items(source, ItemState.PENDING).filter(seen=generation)
            ids = list(pending.order_by("key").values_list("id", flat=True))
        if not ids:
            return
        job = ImportJob(source.organization_id, source.collection_id, self.context.solution.requested_by,
                        self.context.run_id, engine=self.engine)  # fmt: skip
        began, done = time.monotonic(), 0
        with ParsePool(limits=collection_limits(job)) as pool:
            for bringing in self._ahead(source, job, connector, ids, pool):
                self._finish(bringing)
                done += 1
                line = f"{done}/{len(ids)}：{bringing.item.key[-80:]}"
                self.context.progress(done / len(ids), f"已处理 {line}", line)
                self._go_on()
                if time.monotonic() - began > SLICE_SECONDS and place_wanted(self.context.run_id):
                    self._keep(generation, listed=True)
                    raise GiveWay

    def _ahead(
        self, source: Source, job: ImportJob, connector: Connector, ids: list[UUID], pool: ParsePool
    ) -> Iterator[Bringing]:
        """Items in order, each fetched and parsing some places before its turn."""
        waiting: deque[Bringing] = deque()
        try:
            for item_id in ids:
                with self._tenant():
                    item = SourceItem.objects.filter(id=item_id).first()
                if item is None:
                    continue
                bringing = Bringing(source, job, connector, item)
                waiting.append(bringing)
                bringing.start(pool, self.context.workdir)
                if len(waiting) > AHEAD:
                    yield waiting.popleft()
            while waiting:
                yield waiting.popleft()
        finally:
            for left in waiting:
                left.drop()

    def _finish(self, bringing: Bringing) -> None:
        try:
            bringing.finish()
        except (EmbedderDown, ModelServerDown) as error:
            bringing.drop()
            raise WaitFor(kind="engine", reason_zh=error.sentence("zh"), reason_en=error.sentence("en")) from error

    def _items(self, source: Source, *states: str) -> QuerySet[SourceItem]:
        return SourceItem.objects.filter(source=source, state__in=states)

    def _end(self, source: Source, generation: int) -> int:
        """End what the whole listing did not see; how many wait for a person instead."""
        with self._tenant():
            known = SourceItem.objects.filter(source=source).exclude(state=ItemState.GONE)
            gone = known.filter(seen__lt=generation)
            total, missing = known.count(), gone.count()
            ids = list(gone.order_by("key").values_list("id", flat=True)) if missing else []
        allowed = int(self.context.spec.get("confirmed", 0))
        if doubtful(total, missing) and missing > allowed:
            return missing
        for start in range(0, len(ids), _ENDED_AT_ONCE):
            with self._tenant():
                ending = list(SourceItem.objects.filter(id__in=ids[start : start + _ENDED_AT_ONCE]))
                for item in ending:
                    item_end(source, item)
                counts_add(source.id, self.context.run_id, {"gone": len(ending)})
            self._go_on()
        return 0

    def _close(self, source: Source, held: int) -> dict[str, int]:
        with self._tenant():
            locked = Source.objects.select_for_update().get(id=source.id)
            # Who was asked already is not told again at every round of the schedule.
            self.asks = held if held != locked.held else 0
            counts = asdict(Listed()) | counts_going(locked, self.context.run_id) | {"held": held}
            locked.held, locked.counts, locked.error = held, counts_closed(counts, self.context.run_id), {}
            locked.last_run_at, locked.last_run_id = timezone.now(), self.context.run_id
            if held:
                locked.state = SourceState.CONFIRM
            elif locked.state == SourceState.CONFIRM:
                locked.state = SourceState.ACTIVE
            locked.save()
            audit_record(action="source.sync", object_kind="source", object_id=source.id, detail={"counts": counts})
        return counts

    def _go_on(self) -> None:
        if self.context.cancelled():
            raise RunCancelled


def doubtful(known: int, missing: int) -> bool:
    """Whether so many endings look like a place that is not there rather than like somebody's work."""
    return missing > 0 and (missing == known or (missing > FEW and missing > known * SHARE))


def item_end(source: Source, item: SourceItem) -> None:
    """What the source says shall become of the documents of an item that is gone; inside the tenant context."""
    today = timezone.localdate()
    if source.gone != Gone.KEEP:
        for version in DocumentVersion.objects.filter(id__in=item.versions).select_related("document"):
            version_end(version, day=today)
    if source.gone == Gone.ERASE:
        others = SourceItem.objects.filter(source=source, documents__overlap=item.documents).exclude(id=item.id)
        shared = {each for row in others.exclude(state=ItemState.GONE) for each in row.documents}
        wanted = Document.objects.filter(id__in=set(item.documents) - shared, erased_at__isnull=True)
        for document_id in wanted.values_list("id", flat=True):
            document_erase(document_id=document_id)
    item.state, item.marker, item.error = ItemState.GONE, "", {}
    item.save(update_fields=["state", "marker", "error"])
