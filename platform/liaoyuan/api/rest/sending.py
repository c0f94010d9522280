"""Large files in parts: what arrived stays, so that a broken connection loses nothing."""

from typing import Annotated
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Router, Schema, Status
from pydantic import Field

from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.present import path_of, run_out
from liaoyuan.api.rest.problems import request_language
from liaoyuan.api.rest.rows import one
from liaoyuan.api.rest.schemas.desk import ImportNew, UploadNew, UploadOut
from liaoyuan.api.rest.schemas.work import Started
from liaoyuan.knowledge.errors import NothingToImport
from liaoyuan.knowledge.models import Collection, Upload
from liaoyuan.knowledge.services.uploading import upload_append, upload_open, upload_remove, uploads_import

router = Router(tags=["documents"])
BYTES = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class PartQuery(Schema):
    """Which file of which batch, and where this part begins; ``sha256`` (hex) is of this part."""

    batch: UUID
    offset: Annotated[int, Field(ge=0, le=1 << 40)]
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""


class BatchQuery(Schema):
    batch: UUID


@operation(router, "POST", "/uploads", action="document.import", response={201: UploadOut})
def upload_new(request: ApiRequest, body: UploadNew) -> "Status[UploadOut]":
    """Announce a file; everything that would refuse it is said before a byte is sent."""
    found = upload_open(batch=body.batch, name=body.name, size=body.size, modified=body.modified)
    return Status(201, _upload(found))


@operation(router, "PUT", "/uploads/{upload_id}", action="document.import", response=UploadOut, extra=BYTES)
def upload_part(request: ApiRequest, upload_id: UUID, query: Query[PartQuery]) -> UploadOut:
    """Send one part (application/octet-stream, at most 8 MiB). One that is here already changes nothing."""
    row = upload_append(
        upload_id=upload_id, batch=query.batch, offset=query.offset, data=request.body, sha256=query.sha256
    )
    return _upload(row)


@operation(router, "DELETE", "/uploads/{upload_id}", action="document.import", response={204: None})
def upload_end(request: ApiRequest, upload_id: UUID, query: Query[BatchQuery]) -> "Status[None]":
    """Forget a file that was not imported yet."""
    upload_remove(upload_id=upload_id, batch=query.batch)
    return Status(204, None)


@operation(router, "POST", "/collections/{collection_id}/imports", action="document.import", response={202: Started})
def upload_import(
    request: ApiRequest, collection_id: UUID, body: ImportNew, response: HttpResponse
) -> "Status[Started]":
    """Import the batch's whole files; those still on their way stay."""
    collection = one(Collection.objects.all(), id=collection_id)
    run = uploads_import(batch=body.batch, collection=collection, groups=body.groups)
    if run is None:
        raise NothingToImport(path=str(body.batch))
    response["Location"] = path_of("runs", run.id)
    return Status(202, Started(pipeline_id=None, runs=[run_out(run, request_language(request))]))


def _upload(row: Upload) -> UploadOut:
    return UploadOut(
        id=row.id, batch=row.batch, name=row.name, size=row.size, received=row.received, complete=row.complete
    )
