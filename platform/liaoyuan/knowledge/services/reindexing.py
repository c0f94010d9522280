"""What people do to the generations of a collection's index: build one beside the live one, swap it in, drop it."""

from dataclasses import dataclass
from uuid import UUID

from liaoyuan.accounts.services import audit_record
from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.adapters.embeddings import Embedder, embedder_for
from liaoyuan.knowledge.chunking import token_limit
from liaoyuan.knowledge.errors import IndexNotReady
from liaoyuan.knowledge.indexes import index_start, live_index
from liaoyuan.knowledge.models import Chunk, Collection, IndexState, SearchIndex
from liaoyuan.knowledge.rerankers import reranker_for
from liaoyuan.knowledge.rules import are_outdated
from liaoyuan.knowledge.settings import CollectionSettings, SettingsInvalid, settings_of
from liaoyuan.knowledge.shadow.errors import GenerationBuilding, NothingToBuild
from liaoyuan.knowledge.shadow.pending import indexed_versions, pending
from liaoyuan.knowledge.shadow.stage import AUTOMATIC, NOW, PERSON
from liaoyuan.knowledge.shadow.swapping import generation_remove, swap_if_complete
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import FINAL_STATES, StageRun
from liaoyuan.pipeline.services import stage_run_start

SWAPS = (PERSON, AUTOMATIC)


@dataclass(frozen=True)
class Swap:
    """``run`` is set when documents arrived since the build: it catches up first and swaps then."""

    index: SearchIndex
    swapped: bool
    run: StageRun | None = None


def settings_change(*, collection_id: UUID, settings: CollectionSettings) -> Collection:
    """Change how a collection is searched; of an empty one also how it is read, cut and embedded.

    Raises NotFound, SettingsInvalid, RerankerUnknown, and GenerationBuilding's sibling in words: for a collection that
    holds documents another model, chunking or reading needs another generation (:func:`reindex_start`).
    """
    collection = _locked(collection_id)
    settings_check(settings)
    before = settings_of(collection.settings)
    if settings.retrieval.reranker != before.retrieval.reranker:
        reranker_for(settings.retrieval)
    if settings.index != before.index:
        if indexed_versions(collection_id).exists():
            raise SettingsInvalid(field="embedder, chunking, parser", detail="这些设置需要重建索引 (start a rebuild)")
        _reform(collection_id, settings)
    collection.settings = settings.model_dump(mode="json")
    collection.save(update_fields=["settings"])
    detail = {"settings": collection.settings}
    audit_record(action="collection.settings", object_kind="collection", object_id=collection_id, detail=detail)
    return collection


def reindex_start(*, collection_id: UUID, settings: CollectionSettings, swap: str = PERSON) -> SearchIndex:
    """Begin a generation with ``settings`` beside the live one; its ``run_id`` is the run that builds it.

    The same settings again are a reason where documents stand in the index as older rules read or cut them.
    ``swap``: ``person`` waits for somebody to look at the scores, ``automatic`` swaps when they are not worse.
    Raises NotFound, SettingsInvalid, EmbedderUnknown, NothingToBuild, GenerationBuilding.
    """
    collection = _locked(collection_id)
    engine = settings_check(settings)
    if swap not in SWAPS:
        raise SettingsInvalid(field="swap", detail=", ".join(SWAPS))
    live = live_index(collection_id)
    same = settings.index == settings_of(live.settings | {"embedder": live.embedder}).index
    if same and not indexed_versions(collection_id).filter(are_outdated()).exists():
        raise NothingToBuild
    for other in SearchIndex.objects.filter(collection_id=collection_id, state=IndexState.BUILDING):
        if _open_run(other) is not None:
            raise GenerationBuilding(number=other.number)
    who = current_tenant().user_id
    index = index_start(
        collection_id, embedder=settings.embedder, dimensions=engine.dimensions, settings=settings.index, created_by=who
    )
    run = _run(collection, index, swap)
    index.run_id = run.id
    index.save(update_fields=["run_id"])
    detail = {"index": str(index.id), "number": index.number, "settings": settings.index, "swap": swap}
    audit_record(action="index.build", object_kind="collection", object_id=collection_id, detail=detail)
    return index


def generation_swap(*, collection_id: UUID, index_id: UUID) -> Swap:
    """Let searches read this generation: at once where it is complete, else after a run that catches up.

    Going back to a retired one is the same. Raises NotFound, IndexNotReady, GenerationBuilding.
    """
    collection = _locked(collection_id)
    index = generation_get(collection_id, index_id)
    if index.state == IndexState.LIVE:
        return Swap(index, swapped=True)
    if index.state not in (IndexState.READY, IndexState.RETIRED):
        raise IndexNotReady(number=index.number)
    if not pending(index) and swap_if_complete(index_id):
        return Swap(generation_get(collection_id, index_id), swapped=True)
    run = _open_run(index) or _run(collection, index, NOW)
    SearchIndex.objects.filter(id=index_id).update(run_id=run.id)
    return Swap(index, swapped=False, run=run)


def generation_drop(*, collection_id: UUID, index_id: UUID) -> int:
    """Remove a generation with its chunks; how many there were. Raises NotFound, IndexBusy for the live one, and
    GenerationBuilding for one whose run has not ended: stop it first."""
    _locked(collection_id)
    index = generation_get(collection_id, index_id)
    if _open_run(index) is not None:
        raise GenerationBuilding(number=index.number)
    return generation_remove(index_id)


def generation_get(collection_id: UUID, index_id: UUID) -> SearchIndex:
    """Raises NotFound."""
    found = SearchIndex.objects.filter(id=index_id, collection_id=collection_id).first()
    if found is None:
        raise NotFound
    return found


def settings_check(settings: CollectionSettings) -> Embedder:
    """The engine that the settings name, when the chunks that they ask for fit into it. Raises SettingsInvalid,
    EmbedderUnknown."""
    engine = embedder_for(settings.embedder)
    most = token_limit(0, engine.token_limit)
    for name, value in (("limit", settings.chunking.limit), ("target", settings.chunking.target)):
        if value > most:
            detail = f"“{engine.name}” 最多 {most} tokens (at most {most} tokens)"
            raise SettingsInvalid(field=f"chunking.{name}", detail=detail)
    return engine


def _run(collection: Collection, index: SearchIndex, swap: str) -> StageRun:
    spec = {
        "collection": collection.name,
        "collection_id": str(collection.id),
        "index_id": str(index.id),
        "number": index.number,
        "swap": swap,
    }
    return stage_run_start(stage=StageName.REINDEX, spec=spec)


def _open_run(index: SearchIndex) -> StageRun | None:
    if index.run_id is None:
        return None
    return StageRun.objects.filter(id=index.run_id).exclude(state__in=FINAL_STATES).first()


def _reform(collection_id: UUID, settings: CollectionSettings) -> None:
    """Nothing was indexed yet: the first generation takes the settings as they are."""
    engine = embedder_for(settings.embedder)
    live = live_index(collection_id)
    Chunk.objects.filter(index=live).delete()
    live.embedder, live.dimensions, live.settings = settings.embedder, engine.dimensions, settings.index
    live.save(update_fields=["embedder", "dimensions", "settings"])


def _locked(collection_id: UUID) -> Collection:
    found = Collection.objects.select_for_update(no_key=True).filter(id=collection_id).first()
    if found is None:
        raise NotFound
    return found
