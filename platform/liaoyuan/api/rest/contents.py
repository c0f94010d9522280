"""One document: its versions, what was read from it, and its end."""

from typing import Annotated
from uuid import UUID

from django.db.models import F
from django.http import HttpResponse
from ninja import Query, Router, Schema, Status
from pydantic import Field

from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.pages import Page, page, slice_of
from liaoyuan.api.rest.present import document_out, path_of, run_out, version_out
from liaoyuan.api.rest.problems import request_language
from liaoyuan.api.rest.rows import match, one, tagged
from liaoyuan.api.rest.schemas.documents import (
    BlockOut,
    BlocksQuery,
    ChunkOut,
    ChunksQuery,
    Descendant,
    DocumentOut,
    Erasure,
    GroupsNew,
    PasswordGiven,
    VersionOut,
    VersionsQuery,
)
from liaoyuan.api.rest.schemas.work import Started
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.models import DocumentVersion
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.knowledge.selectors import chunks_of, parsed_document
from liaoyuan.knowledge.services import document_erase
from liaoyuan.knowledge.services.regrouping import documents_regroup
from liaoyuan.knowledge.services.retrying import versions_retry
from liaoyuan.knowledge.services.unlocking import version_unlock

router = Router(tags=["documents"])


class TextQuery(Schema):
    version: Annotated[int | None, Field(ge=1, le=1_000_000, description="number; the newest if left out")] = None


class TextOut(Schema):
    """All text of a version in reading order."""

    version_id: UUID
    text: str


@operation(router, "GET", "/documents/{document_id}", action="document.view", response=DocumentOut)
def document_show(request: ApiRequest, document_id: UUID, response: HttpResponse) -> DocumentOut:
    """A document by its newest version that the caller may read."""
    shown = document_out(version_of(document_id, None))
    tagged(response, shown)
    return shown


@operation(router, "GET", "/documents/{document_id}/versions", action="document.view", response=Page[VersionOut])
def document_versions(
    request: ApiRequest, response: HttpResponse, document_id: UUID, query: Query[VersionsQuery]
) -> Page[VersionOut]:
    """Every version that the caller may read, with the days of its validity."""
    version_of(document_id, None)
    rows = versions_readable().filter(document_id=document_id)
    return page(request, response, query, rows, version_out, sort=query.sort)


@operation(router, "GET", "/documents/{document_id}/blocks", action="document.view", response=Page[BlockOut])
def document_blocks(request: ApiRequest, document_id: UUID, query: Query[BlocksQuery]) -> Page[BlockOut]:
    """The parsed elements of a version in reading order, each with its page and box."""
    version = _parsed(document_id, query.version)
    blocks = [
        BlockOut(number=number, **block.as_dict())
        for number, block in enumerate(parsed_document(version).blocks)
        if query.page is None or block.page == query.page
    ]
    items, following = slice_of(request, query, blocks)
    return Page(items=items, next=following)


@operation(router, "GET", "/documents/{document_id}/text", action="document.view", response=TextOut)
def document_text(request: ApiRequest, document_id: UUID, query: Query[TextQuery]) -> TextOut:
    """The text of a version in reading order."""
    version = _parsed(document_id, query.version)
    return TextOut(version_id=version.id, text=parsed_document(version).text)


@operation(router, "GET", "/documents/{document_id}/chunks", action="document.view", response=Page[ChunkOut])
def document_chunks(
    request: ApiRequest, response: HttpResponse, document_id: UUID, query: Query[ChunksQuery]
) -> Page[ChunkOut]:
    """What is embedded and found of a version, in reading order."""
    rows = chunks_of(version_of(document_id, query.version).id).annotate(place=F("ordinal") * 1000 + F("sub_ordinal"))
    return page(request, response, query, rows.defer("embedding", "terms"), ChunkOut.from_orm, sort="place")


@operation(router, "PUT", "/documents/{document_id}/groups", action="document.edit", response=DocumentOut)
def document_groups(request: ApiRequest, document_id: UUID, body: GroupsNew, response: HttpResponse) -> DocumentOut:
    """Replace the groups that may read a document, in all its versions; none means everybody. For who sees all."""
    match(request, document_out(version_of(document_id, None)))
    documents_regroup(document_ids=[document_id], groups=body.groups)
    shown = document_out(version_of(document_id, None))
    tagged(response, shown)
    return shown


@operation(router, "POST", "/documents/{document_id}/retry", action="document.import", response={202: Started})
def document_retry(request: ApiRequest, document_id: UUID, response: HttpResponse) -> "Status[Started]":
    """Import a refused or interrupted file again, from the bytes that are here."""
    version = version_of(document_id, None)
    run = versions_retry(collection=version.document.collection, version_ids=[version.id])
    response["Location"] = path_of("runs", run.id)
    return Status(202, Started(pipeline_id=None, runs=[run_out(run, request_language(request))]))


@operation(router, "POST", "/documents/{document_id}/unlock", action="document.import", response={202: Started})
def document_unlock(
    request: ApiRequest, document_id: UUID, body: PasswordGiven, response: HttpResponse
) -> "Status[Started]":
    """Open a file that asks for its password, and import it. The password is used once and is not kept."""
    run = version_unlock(version=version_of(document_id, None), password=body.password.get_secret_value())
    response["Location"] = path_of("runs", run.id)
    return Status(202, Started(pipeline_id=None, runs=[run_out(run, request_language(request))]))


@operation(router, "DELETE", "/documents/{document_id}", action="document.erase", response=Erasure)
def document_end(request: ApiRequest, document_id: UUID) -> Erasure:
    """Erase a document for good: files, text, vectors. The receipt lists what still descends from it."""
    version_of(document_id, None)
    receipt = document_erase(document_id=document_id)
    return Erasure(
        document_id=receipt.document_id,
        versions=receipt.versions,
        chunks=receipt.chunks,
        descendants=[Descendant(kind=kind, id=identifier) for kind, identifier in receipt.descendants],
    )


def version_of(document_id: UUID, number: int | None) -> DocumentVersion:
    """The version with this number, or the newest, if the caller may read it. Raises NotFound."""
    versions = versions_readable().filter(document_id=document_id, document__erased_at__isnull=True)
    if number is not None:
        versions = versions.filter(number=number)
    return one(versions.select_related("document__collection").order_by("-number"))


def _parsed(document_id: UUID, number: int | None) -> DocumentVersion:
    version = version_of(document_id, number)
    if not version.blocks_key:
        raise NotFound
    return version
