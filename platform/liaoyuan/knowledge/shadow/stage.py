"""Building a generation as a durable run: document by document, beside the live index, scored, then swapped or kept."""

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from typing import ClassVar, Final
from uuid import UUID

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import LiaoyuanError
from liaoyuan.knowledge.adapters.embeddings import embedder_for
from liaoyuan.knowledge.errors import EmbedderDown
from liaoyuan.knowledge.indexes import graph_ensure, live_index
from liaoyuan.knowledge.models import Collection, DocumentVersion, IndexState, SearchIndex
from liaoyuan.knowledge.parse.pool import ParsePool
from liaoyuan.knowledge.parse.sandbox import ParseOutcome
from liaoyuan.knowledge.rules import read_by_older
from liaoyuan.knowledge.services.importing import AHEAD, parse_limits
from liaoyuan.knowledge.settings import settings_of
from liaoyuan.knowledge.shadow.building import Build, budget_of, version_build
from liaoyuan.knowledge.shadow.errors import GenerationGone
from liaoyuan.knowledge.shadow.freeing import generations_forget
from liaoyuan.knowledge.shadow.models import IndexEntry
from liaoyuan.knowledge.shadow.pending import indexed_versions, pending
from liaoyuan.knowledge.shadow.scoring import UNSCORED, WORSE, generation_score
from liaoyuan.knowledge.shadow.swapping import swap_if_complete
from liaoyuan.knowledge.waiting.slices import SLICE_SECONDS
from liaoyuan.pipeline.adapters.model_server import ModelServerDown
from liaoyuan.pipeline.contract import (
    Artifacts,
    GiveWay,
    RunCancelled,
    SolutionSpec,
    StageContext,
    StageName,
    StagePlan,
    WaitFor,
)
from liaoyuan.pipeline.storage import storage
from liaoyuan.pipeline.waiting import place_wanted

# Who decides about the swap, in the run's spec.
PERSON, AUTOMATIC, NOW = "person", "automatic", "now"
SECONDS_A_DOCUMENT: Final = 3.0


class ReindexStage:
    """Takes ``spec``: collection_id, index_id, swap (``person``, ``automatic``: when not worse, ``now``).

    Each finished document is a row, so that the next attempt goes on behind it; what arrives or changes while the run
    works is built as well before anything is swapped.
    """

    name: ClassVar[StageName] = StageName.REINDEX
    queue: ClassVar[str] = "ingest"

    def plan(self, solution: SolutionSpec) -> StagePlan:
        return StagePlan("在旁边重建索引", "Rebuild the index beside the live one", 60 * SECONDS_A_DOCUMENT)

    def run(self, context: StageContext) -> Artifacts:
        """Build, score, swap where that was asked for. Raises RunCancelled, GiveWay, WaitFor, StageFailed."""
        index_id = UUID(str(context.spec["index_id"]))
        work = _Work(context, index_id)
        try:
            return work.run()
        except (EmbedderDown, ModelServerDown) as error:
            raise WaitFor(kind="engine", reason_zh=error.sentence("zh"), reason_en=error.sentence("en")) from error
        except LiaoyuanError as error:
            if not isinstance(error, RunCancelled) and not error.retryable:
                work.fail(error)
            raise


class _Work:
    """One attempt."""

    def __init__(self, context: StageContext, index_id: UUID) -> None:
        self._context, self._index_id = context, index_id
        self._who = (context.solution.organization_id, context.solution.requested_by)
        self._began = time.monotonic()
        self._all_anew = False

    def run(self) -> Artifacts:
        with tenant_context(*self._who):
            index = self._begin()
            live = live_index(index.collection_id)
            settings = settings_of(index.settings | {"embedder": index.embedder})
            self._all_anew = settings.parser != settings_of(live.settings).parser
        engine = embedder_for(index.embedder)
        build = Build(*self._who, index, engine, budget_of(settings.chunking, engine))
        with ParsePool(limits=parse_limits(settings)) as pool:
            self._build(build, pool)
            scores = self._score(index, live)
            swapped = self._settle(build, pool, scores)
        return self._artifacts(index, swapped)

    def fail(self, error: LiaoyuanError) -> None:
        """The generation says why it will not be finished; a retry of the run takes it up again."""
        told = {"code": error.code, "zh": error.sentence("zh"), "en": error.sentence("en")}
        with tenant_context(*self._who):
            building = SearchIndex.objects.filter(id=self._index_id, state=IndexState.BUILDING)
            building.update(state=IndexState.FAILED, error=told)

    def _begin(self) -> SearchIndex:
        SearchIndex.objects.filter(id=self._index_id, state=IndexState.FAILED).update(
            state=IndexState.BUILDING, error={}
        )
        found = SearchIndex.objects.filter(id=self._index_id).first()
        if found is None:
            raise GenerationGone
        return found

    def _build(self, build: Build, pool: ParsePool) -> None:
        """Until nothing is pending; a version that changes under our hands comes round again."""
        while True:
            with tenant_context(*self._who):
                left = pending(build.index)
                total = indexed_versions(build.index.collection_id).count()
            if not left:
                return
            for place, (version_id, parsing) in enumerate(self._ahead(left, pool), start=1):
                self._one(build, version_id, parsing)
                done = total - len(left) + place
                said = f"已重建 {done}/{total} 份文档", f"{done} of {total} documents rebuilt"
                self._context.progress(0.95 * done / max(1, total), *said, done=done, total=total)
                self._go_on()

    def _one(self, build: Build, version_id: UUID, parsing: "Future[ParseOutcome] | None") -> None:
        try:
            version_build(build, version_id, parsing)
        except DocumentVersion.DoesNotExist:
            return  # erased meanwhile

    def _ahead(self, left: list[UUID], pool: ParsePool) -> "Iterator[tuple[UUID, Future[ParseOutcome] | None]]":
        """The versions in order; where they are read anew, some places before their turn."""
        waiting: deque[tuple[UUID, Future[ParseOutcome] | None]] = deque()
        for version_id in left:
            waiting.append((version_id, self._parsing(version_id, pool)))
            if len(waiting) > AHEAD:
                yield waiting.popleft()
        yield from waiting

    def _parsing(self, version_id: UUID, pool: ParsePool) -> "Future[ParseOutcome] | None":
        """Set going where the settings ask for another reading, or the one at hand is by older rules."""
        with tenant_context(*self._who):
            version = DocumentVersion.objects.filter(id=version_id).first()
        if version is None or not (self._all_anew or read_by_older(version)):
            return None
        if not storage().exists(version.source_key):
            return None
        return pool.submit(storage().open_path(version.source_key), name=version.file_name)

    def _go_on(self) -> None:
        if self._context.cancelled():
            raise RunCancelled
        if time.monotonic() - self._began > SLICE_SECONDS and place_wanted(self._context.run_id):
            raise GiveWay

    def _score(self, index: SearchIndex, live: SearchIndex) -> dict[str, object]:
        if index.state != IndexState.BUILDING:
            return dict(index.scores)
        scores = generation_score(self._context, index, live)
        with tenant_context(*self._who):
            graph_ensure(index.id)
            chunks = index.chunks.count()
            building = SearchIndex.objects.filter(id=index.id, state=IndexState.BUILDING)
            if not building.update(state=IndexState.READY, scores=scores, chunk_count=chunks):
                raise GenerationGone
        return scores

    def _settle(self, build: Build, pool: ParsePool, scores: dict[str, object]) -> bool:
        """Swap where that was asked for; what came during the scoring is built first."""
        wish = self._context.spec.get("swap", PERSON)
        if wish == PERSON or (wish == AUTOMATIC and scores.get("verdict", UNSCORED) in (WORSE, UNSCORED)):
            return False
        while True:
            self._build(build, pool)
            with tenant_context(*self._who):
                if swap_if_complete(self._index_id):
                    generations_forget(build.index.collection_id)
                    return True

    def _artifacts(self, index: SearchIndex, swapped: bool) -> Artifacts:
        with tenant_context(*self._who):
            now = SearchIndex.objects.get(id=index.id)
            entries = IndexEntry.objects.filter(index=now)
            lost = sum(entries.values_list("lost", flat=True))
            documents = entries.count()
            name = Collection.objects.values_list("name", flat=True).get(id=now.collection_id)
        result = {"index_id": str(now.id), "number": now.number, "collection": name, "documents": documents}
        result |= {"chunks": now.chunk_count, "edits_lost": lost, "scores": now.scores, "swapped": swapped}
        zh, en = ("已切换为使用中", "and live") if swapped else ("等待切换", "and ready to be swapped in")
        return Artifacts(
            result=result,
            summary_zh=f"第 {now.number} 代索引已重建：{documents} 份文档，{now.chunk_count} 个分块，{zh}",
            summary_en=f"Generation {now.number} is rebuilt: {documents} documents, {now.chunk_count} chunks, {en}",
        )
