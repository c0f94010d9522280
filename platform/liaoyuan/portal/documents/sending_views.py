"""Files dropped onto a collection's page: sent in parts, then imported together. The page's script speaks in JSON.

A person's files for one collection are one batch under the collection's own id, so that a reload finds what arrived.
"""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.utils.translation import ngettext

from liaoyuan.knowledge.errors import NothingToImport
from liaoyuan.knowledge.services.uploading import upload_remove, uploads_import, uploads_waiting
from liaoyuan.portal.documents.forms import groups_written
from liaoyuan.portal.documents.selectors import collection_get
from liaoyuan.portal.door import PageRequest, page
from liaoyuan.portal.sending import file_opened, files_told, in_json, part_taken


@page("document.import", methods=("GET", "POST"))
@in_json
def uploads(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """GET: what has arrived. POST: a file will be sent."""
    batch = collection_get(collection_id).id
    return file_opened(request, batch) if request.method == "POST" else files_told(request, uploads_waiting(batch))


@page("document.import", methods=("POST",))
@in_json
def upload_part(request: PageRequest, collection_id: UUID, upload_id: UUID) -> HttpResponse:
    """One part of a file."""
    return part_taken(request, collection_get(collection_id).id, upload_id)


@page("document.import", methods=("POST",))
@in_json
def upload_end(request: PageRequest, collection_id: UUID, upload_id: UUID) -> HttpResponse:
    """The file is not wanted any more."""
    upload_remove(upload_id=upload_id, batch=collection_get(collection_id).id)
    return JsonResponse({})


@page("document.import", methods=("POST",))
@in_json
def uploads_take(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """Import what arrived whole; the sentence about it stands on the page that the script opens next."""
    collection = collection_get(collection_id)
    count = sum(row.complete for row in uploads_waiting(collection.id))
    groups = groups_written(request.POST.get("groups", "")[:400])
    run = uploads_import(batch=collection.id, collection=collection, groups=groups)
    if run is None:
        raise NothingToImport(path=collection.name)
    said = ngettext("%(count)d file arrived and is being read.", "%(count)d files arrived and are being read.", count)
    messages.success(request, said % {"count": count})
    return JsonResponse({"run": str(run.id), "files": count})
