"""Collections and documents: make, upload, list, read, erase; and search."""

from typing import Any
from uuid import UUID

from django.db.models import Count, OuterRef, Subquery, Sum
from django.http import HttpResponse
from ninja import File, Form, Query, Router, Status
from ninja.files import UploadedFile

from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.pages import Page, page
from liaoyuan.api.rest.present import document_out, path_of, run_out
from liaoyuan.api.rest.problems import request_language
from liaoyuan.api.rest.rows import narrowed, one
from liaoyuan.api.rest.schemas.base import Group
from liaoyuan.api.rest.schemas.documents import (
    CollectionDetail,
    CollectionNew,
    CollectionOut,
    CollectionsQuery,
    DocumentOut,
    DocumentsChosen,
    DocumentsQuery,
    Found,
    Retrieve,
)
from liaoyuan.api.rest.schemas.work import Started
from liaoyuan.api.retrieval import found_in
from liaoyuan.api.uploads import upload_receive
from liaoyuan.knowledge.models import Collection, Document, DocumentVersion
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.knowledge.rules import are_outdated
from liaoyuan.knowledge.services import collection_create
from liaoyuan.knowledge.services.rereading import documents_reread

router = Router(tags=["documents"])


@operation(router, "GET", "/collections", action="document.view", response=Page[CollectionOut])
def collections_list(
    request: ApiRequest, response: HttpResponse, query: Query[CollectionsQuery]
) -> Page[CollectionOut]:
    """The organization's collections."""
    rows = narrowed(Collection.objects.all(), name__icontains=query.q)
    return page(request, response, query, rows, CollectionOut.from_orm, sort=query.sort)


@operation(
    router, "POST", "/collections", action="collection.create", response={200: CollectionOut, 201: CollectionOut}
)
def collection_new(request: ApiRequest, body: CollectionNew, response: HttpResponse) -> "Status[CollectionOut]":
    """Make a collection; the same name again gives the same one (200)."""
    collection, created = collection_create(name=body.name)
    response["Location"] = path_of("collections", collection.id)
    return Status(201 if created else 200, CollectionOut.from_orm(collection))


@operation(router, "GET", "/collections/{collection_id}", action="document.view", response=CollectionDetail)
def collection_show(request: ApiRequest, collection_id: UUID) -> CollectionDetail:
    """A collection with the numbers of what the caller may read in it."""
    found = one(Collection.objects.all(), id=collection_id)
    versions = versions_readable().filter(document__collection_id=found.id, document__erased_at__isnull=True)
    sums = versions.aggregate(size=Sum("size", default=0), documents=Count("document", distinct=True))
    newest = versions.order_by("document_id", "-number").distinct("document_id")
    states: dict[str, int] = {}
    chunks = 0
    for state, count in newest.values_list("state", "chunk_count"):
        states[state] = states.get(state, 0) + 1
        chunks += count
    return CollectionDetail(
        id=found.id,
        name=found.name,
        created_at=found.created_at,
        documents=sums["documents"],
        states=states,
        chunks=chunks,
        size=sums["size"],
        older=versions.filter(are_outdated(), id__in=newest.values("id")).count(),
    )


@operation(
    router, "POST", "/collections/{collection_id}/retrieve", action="ask", limit="ask", tenant=False, response=Found
)
def collection_search(request: ApiRequest, collection_id: UUID, body: Retrieve) -> Found:
    """Search a collection by meaning and by words, inside the caller's rights: chunks with the way to their place."""
    return found_in(request.auth, collection_id, body.query, k=body.k, day=body.day)


@operation(router, "GET", "/collections/{collection_id}/documents", action="document.view", response=Page[DocumentOut])
def documents_list(
    request: ApiRequest, response: HttpResponse, collection_id: UUID, query: Query[DocumentsQuery]
) -> Page[DocumentOut]:
    """The newest version of each document that the caller may read, refused files with their reason."""
    one(Collection.objects.all(), id=collection_id)
    newest = versions_readable().filter(document_id=OuterRef("id")).order_by("-number")
    rows = Document.objects.filter(collection_id=collection_id, erased_at__isnull=True).annotate(
        newest=Subquery(newest.values("id")[:1])
    )
    rows = narrowed(rows.filter(newest__isnull=False), name__icontains=query.q)
    if query.older is not None:
        stale = versions_readable().filter(are_outdated(), document__collection_id=collection_id).values("id")
        rows = rows.filter(newest__in=stale) if query.older else rows.exclude(newest__in=stale)
    if query.state is not None:
        rows = rows.annotate(state=Subquery(newest.values("state")[:1])).filter(state=query.state)

    def many(found: list[Any]) -> list[DocumentOut]:
        wanted = [document.newest for document in found]
        versions = DocumentVersion.objects.select_related("document").in_bulk(wanted)
        return [document_out(versions[key]) for key in wanted]

    return page(request, response, query, rows, lambda found: many([found])[0], sort=query.sort, many=many)


@operation(router, "POST", "/collections/{collection_id}/documents", action="document.import", response={202: Started})
def documents_upload(
    request: ApiRequest,
    collection_id: UUID,
    response: HttpResponse,
    files: File[list[UploadedFile]],
    group: Form[list[Group]] = [],  # noqa: B006 - ninja reads the default, nobody changes it
) -> "Status[Started]":
    """Take files (multipart, field ``files``) and start their import; ``group`` limits who may read them."""
    collection = one(Collection.objects.all(), id=collection_id)
    run = upload_receive(collection=collection, files=files, groups=group)
    response["Location"] = path_of("runs", run.id)
    return Status(202, Started(pipeline_id=None, runs=[run_out(run, request_language(request))]))


@operation(
    router,
    "POST",
    "/collections/{collection_id}/documents/reread",
    action="document.import",
    response={202: Started},
)
def documents_again(
    request: ApiRequest, collection_id: UUID, body: DocumentsChosen, response: HttpResponse
) -> "Status[Started]":
    """Read these documents again by today's rules, into the index in use. They are found as they were until then."""
    collection = one(Collection.objects.all(), id=collection_id)
    run = documents_reread(collection=collection, document_ids=body.documents)
    response["Location"] = path_of("runs", run.id)
    return Status(202, Started(pipeline_id=None, runs=[run_out(run, request_language(request))]))
