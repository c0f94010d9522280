"""A collection's settings, the generations of its index, and the files on their way into it."""

from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Router, Status

from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.present import path_of, said
from liaoyuan.api.rest.problems import request_language
from liaoyuan.api.rest.rows import one
from liaoyuan.api.rest.schemas.indexes import (
    EmbedderOut,
    FilePlaceOut,
    FilesCancelled,
    FilesChosen,
    FilesOut,
    FilesQuery,
    FilesRetried,
    IndexDropped,
    IndexNew,
    IndexOut,
    IndexSwapped,
    SearchNew,
    SettingsOut,
)
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.adapters.embeddings import embedder_for, embedder_names
from liaoyuan.knowledge.models import Collection, IndexState
from liaoyuan.knowledge.services.reindexing import generation_drop, generation_swap, reindex_start, settings_change
from liaoyuan.knowledge.shadow.selectors import Generation, collection_settings, generations_of, rebuild_seconds
from liaoyuan.knowledge.waiting.models import ItemState
from liaoyuan.knowledge.waiting.selectors import FilePlace, line_of
from liaoyuan.knowledge.waiting.services import items_cancel, items_retry

router = Router(tags=["documents"])
HOME = "/collections/{collection_id}"


@operation(router, "GET", "/embedders", action="document.view", response=list[EmbedderOut])
def embedders_list(request: ApiRequest) -> list[EmbedderOut]:
    """The embedding models that a collection may choose: the built-in one and those that the operator configured."""
    engines = [embedder_for(name) for name in embedder_names()]
    return [EmbedderOut(name=each.name, dimensions=each.dimensions, token_limit=each.token_limit) for each in engines]


@operation(router, "GET", HOME + "/settings", action="document.view", response=SettingsOut)
def settings_show(request: ApiRequest, collection_id: UUID) -> SettingsOut:
    """What the collection's index is built by and how it is searched."""
    return _settings(_collection(collection_id))


@operation(router, "PUT", HOME + "/settings", action="collection.settings", response=SettingsOut)
def settings_search(request: ApiRequest, collection_id: UUID, body: SearchNew) -> SettingsOut:
    """Change how a collection is searched; what its index is built by needs another generation."""
    now = collection_settings(_collection(collection_id))
    settings_change(collection_id=collection_id, settings=now.model_copy(update={"retrieval": body.retrieval}))
    return _settings(_collection(collection_id))


@operation(router, "GET", HOME + "/indexes", action="document.view", response=list[IndexOut])
def indexes_list(request: ApiRequest, collection_id: UUID) -> list[IndexOut]:
    """The generations of the index, newest first, with their scores beside the one that was in use."""
    _collection(collection_id)
    return [_index(each) for each in generations_of(collection_id)]


@operation(router, "POST", HOME + "/indexes", action="collection.settings", response={202: IndexOut})
def index_new(request: ApiRequest, collection_id: UUID, body: IndexNew, response: HttpResponse) -> "Status[IndexOut]":
    """Build another generation beside the live one, as a run; search goes on with the live one."""
    wanted = body.settings or collection_settings(_collection(collection_id))
    made = reindex_start(collection_id=collection_id, settings=wanted, swap=body.swap)
    response["Location"] = path_of("runs", made.run_id or made.id)
    return Status(202, _index(_generation(collection_id, made.id)))


@operation(router, "GET", HOME + "/indexes/{index_id}", action="document.view", response=IndexOut)
def index_show(request: ApiRequest, collection_id: UUID, index_id: UUID) -> IndexOut:
    """One generation."""
    return _index(_generation(collection_id, index_id))


@operation(router, "POST", HOME + "/indexes/{index_id}/swap", action="collection.settings", response=IndexSwapped)
def index_put(request: ApiRequest, collection_id: UUID, index_id: UUID) -> IndexSwapped:
    """Let searches read this generation; going back to a retired one is the same."""
    done = generation_swap(collection_id=collection_id, index_id=index_id)
    return IndexSwapped(swapped=done.swapped, run_id=done.run.id if done.run else None)


@operation(router, "DELETE", HOME + "/indexes/{index_id}", action="collection.settings", response=IndexDropped)
def index_end(request: ApiRequest, collection_id: UUID, index_id: UUID) -> IndexDropped:
    """Remove a generation that is not in use, with its chunks; the documents stay."""
    return IndexDropped(chunks=generation_drop(collection_id=collection_id, index_id=index_id))


@operation(router, "GET", HOME + "/files", action="document.view", response=FilesOut)
def files_list(request: ApiRequest, collection_id: UUID, query: Query[FilesQuery]) -> FilesOut:
    """The files that are not ready: in work, in line with place and expected end, refused with their reason."""
    _collection(collection_id)
    line = line_of(collection_id, state=query.state or "", offset=query.offset, limit=query.limit)
    language = request_language(request)
    return FilesOut(
        queued=line.queued,
        working=line.working,
        rejected=line.rejected,
        cancelled=line.cancelled,
        until=line.until,
        files=[_file(each, language) for each in line.files],
    )


@operation(router, "POST", HOME + "/files/retry", action="document.import", response=FilesRetried)
def files_again(request: ApiRequest, collection_id: UUID, body: FilesChosen) -> FilesRetried:
    """Try refused or cancelled files again: those named, or all of them."""
    runs = items_retry(collection=_collection(collection_id), item_ids=body.files)
    return FilesRetried(runs=[run.id for run in runs])


@operation(router, "POST", HOME + "/files/cancel", action="document.import", response=FilesCancelled)
def files_leave(request: ApiRequest, collection_id: UUID, body: FilesChosen) -> FilesCancelled:
    """Take files out of the line: those named, or all of them. What is ready stays."""
    return FilesCancelled(files=items_cancel(collection=_collection(collection_id), item_ids=body.files))


def _collection(collection_id: UUID) -> Collection:
    return one(Collection.objects.all(), id=collection_id)


def _settings(collection: Collection) -> SettingsOut:
    return SettingsOut(settings=collection_settings(collection), rebuild_seconds=rebuild_seconds(collection.id))


def _generation(collection_id: UUID, index_id: UUID) -> Generation:
    found = next((each for each in generations_of(collection_id) if each.index.id == index_id), None)
    if found is None:
        raise NotFound
    return found


def _index(each: Generation) -> IndexOut:
    index = each.index
    return IndexOut(
        id=index.id,
        number=index.number,
        state=IndexState(index.state),
        embedder=index.embedder,
        dimensions=index.dimensions,
        settings=each.settings,
        documents=each.documents,
        chunks=each.chunks,
        behind=each.behind,
        older=each.older,
        edits_lost=each.edits_lost,
        scores=index.scores,
        run_id=index.run_id,
        run_state=each.run.state if each.run else None,
        progress=each.run.progress if each.run else None,
        live_at=index.live_at,
        freed_at=each.freed_at,
        error=index.error,
    )


def _file(each: FilePlace, language: str) -> FilePlaceOut:
    return FilePlaceOut(
        id=each.id,
        run_id=each.run_id,
        name=each.name,
        size=each.size,
        state=ItemState(each.state),
        code=each.code,
        reason=said(each.reason_zh, each.reason_en, language),
        position=each.position,
        until=each.until,
        tries=each.tries,
        version_id=each.version_id,
    )
