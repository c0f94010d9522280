"""Collections and their documents: make, upload, list."""

from uuid import UUID

from django.http import HttpResponse
from ninja import File, Form, Router, Status
from ninja.files import UploadedFile

from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.idempotency import idempotency_key
from liaoyuan.api.rest.present import document_out, path_of, run_out
from liaoyuan.api.rest.problems import request_language
from liaoyuan.api.rest.schemas import CollectionNew, CollectionOut, DocumentOut, Group, Started
from liaoyuan.api.uploads import upload_receive
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.knowledge.services import collection_create

router = Router(tags=["documents"])
MOST = 5000


@operation(router, "GET", "/collections", action="document.view", response=list[CollectionOut])
def collections_list(request: ApiRequest) -> list[CollectionOut]:
    """The organization's collections by name."""
    return [_collection(found) for found in Collection.objects.order_by("name")[:500]]


@operation(
    router, "POST", "/collections", action="collection.create", response={200: CollectionOut, 201: CollectionOut}
)
def collection_new(request: ApiRequest, body: CollectionNew, response: HttpResponse) -> "Status[CollectionOut]":
    """Make a collection; the same name again gives the same one (200)."""
    collection, created = collection_create(name=body.name)
    response["Location"] = path_of("collections", collection.id) + "/documents"
    return Status(201 if created else 200, _collection(collection))


@operation(router, "GET", "/collections/{collection_id}/documents", action="document.view", response=list[DocumentOut])
def documents_list(request: ApiRequest, collection_id: UUID) -> list[DocumentOut]:
    """The newest version of each document that the caller may read, refused files with their reason."""
    _existing(collection_id)
    versions = versions_readable().filter(document__collection_id=collection_id, document__erased_at__isnull=True)
    newest = versions.select_related("document").order_by("document__name", "document_id", "-number")
    return [document_out(version) for version in newest.distinct("document__name", "document_id")[:MOST]]


@operation(router, "POST", "/collections/{collection_id}/documents", action="document.import", response={202: Started})
def documents_upload(
    request: ApiRequest,
    collection_id: UUID,
    response: HttpResponse,
    files: File[list[UploadedFile]],
    group: Form[list[Group]] = [],  # noqa: B006 - ninja reads the default, nobody changes it
) -> "Status[Started]":
    """Take files (multipart, field ``files``) and start their import; ``group`` limits who may read them.

    The same ``Idempotency-Key`` again gives the same run.
    """
    collection = _existing(collection_id)
    key = idempotency_key(request, "collections.documents", collection.id)
    run = upload_receive(collection=collection, files=files, groups=group, idempotency_key=key)
    response["Location"] = path_of("runs", run.id)
    return Status(202, Started(pipeline_id=None, runs=[run_out(run, request_language(request))]))


def _existing(collection_id: UUID) -> Collection:
    found = Collection.objects.filter(id=collection_id).first()
    if found is None:
        raise NotFound
    return found


def _collection(found: Collection) -> CollectionOut:
    return CollectionOut(id=found.id, name=found.name, created_at=found.created_at)
