"""What a collection follows by itself; and versions: compare, put in force, withdraw."""

from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Router, Status

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.pages import Page, page, slice_of
from liaoyuan.api.rest.present import path_of, run_out
from liaoyuan.api.rest.problems import request_language
from liaoyuan.api.rest.rows import narrowed, one
from liaoyuan.api.rest.schemas.sources import (
    Days,
    DaysChanged,
    Decided,
    DiffChange,
    DiffQuery,
    ItemOut,
    ItemsQuery,
    SourceEnd,
    SourceKey,
    SourceNew,
    SourceOut,
    SourcePause,
    SourcePreview,
    SourceReached,
    SourceRemoved,
    SourceSync,
    VersionDecision,
)
from liaoyuan.api.rest.schemas.work import Started
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.models import Collection, DocumentVersion
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.knowledge.services.comparing import versions_compare
from liaoyuan.knowledge.services.versioning import (
    Decision,
    version_days_change,
    version_put_in_force,
    version_withdraw,
)
from liaoyuan.knowledge.sources import services
from liaoyuan.knowledge.sources.connector import check
from liaoyuan.knowledge.sources.models import Source, SourceItem
from liaoyuan.knowledge.sources.opening import source_open
from liaoyuan.knowledge.sources.preview import source_preview
from liaoyuan.knowledge.sources.services import SourceSpec

router = Router(tags=["documents"])
MANAGE = "source.manage"
VERSION = "/documents/{document_id}/versions/{version_id}"


@operation(router, "GET", "/collections/{collection_id}/sources", action=MANAGE, response=list[SourceOut])
def sources_list(request: ApiRequest, collection_id: UUID) -> list[SourceOut]:
    """The sources of a collection, by name."""
    one(Collection.objects.all(), id=collection_id)
    return [SourceOut.from_orm(each) for each in Source.objects.filter(collection_id=collection_id).order_by("name")]


@operation(router, "POST", "/collections/{collection_id}/sources", action=MANAGE, response={201: SourceOut})
def source_new(
    request: ApiRequest, collection_id: UUID, body: SourceNew, response: HttpResponse
) -> "Status[SourceOut]":
    """Follow a folder, a bucket or web pages, where the operator allows it; nothing is read yet."""
    made = services.source_add(collection_id=collection_id, spec=_spec(body))
    response["Location"] = path_of("sources", made.id)
    return Status(201, SourceOut.from_orm(made))


@operation(router, "GET", "/sources/{source_id}", action=MANAGE, response=SourceOut)
def source_show(request: ApiRequest, source_id: UUID) -> SourceOut:
    """A source, with what its latest synchronization did."""
    return SourceOut.from_orm(_source(source_id))


@operation(router, "PUT", "/sources/{source_id}", action=MANAGE, response=SourceOut)
def source_change(request: ApiRequest, source_id: UUID, body: SourceNew) -> SourceOut:
    """Other settings; without credentials the stored ones stay. The kind cannot change."""
    return SourceOut.from_orm(services.source_change(source_id=source_id, spec=_spec(body)))


@operation(router, "PUT", "/sources/{source_id}/credentials", action=MANAGE, response=SourceOut)
def source_rekey(request: ApiRequest, source_id: UUID, body: SourceKey) -> SourceOut:
    """Replace the access key, once the new one opens the place; everything else stays."""
    _source(source_id)
    return SourceOut.from_orm(services.source_rekey(source_id=source_id, credentials=body.model_dump()))


@operation(router, "DELETE", "/sources/{source_id}", action=MANAGE, response=SourceRemoved)
def source_end(request: ApiRequest, source_id: UUID, query: Query[SourceEnd]) -> SourceRemoved:
    """Follow it no more; its documents stay, end today or are erased."""
    return SourceRemoved(items=services.source_remove(source_id=source_id, documents=query.documents))


@operation(router, "POST", "/sources/{source_id}/test", action=MANAGE, tenant=False, response=SourceReached)
def source_test(request: ApiRequest, source_id: UUID) -> SourceReached:
    """Look whether the place can be read."""
    who = request.auth
    with tenant_context(who.organization_id, who.user_id, groups=who.document_groups):
        connector = source_open(_source(source_id))
    found = check(connector)
    return SourceReached(zh=found.zh, en=found.en, names=list(found.names))


@operation(router, "GET", "/sources/{source_id}/preview", action=MANAGE, tenant=False, response=SourcePreview)
def source_look(request: ApiRequest, source_id: UUID) -> SourcePreview:
    """What a synchronization would change; nothing is."""
    who = request.auth
    with tenant_context(who.organization_id, who.user_id, groups=who.document_groups) as tenant:
        found = _source(source_id)
        connector = source_open(found)
    told = source_preview(tenant, found, connector)
    return SourcePreview(
        counts=told.counts, names=told.names, whole=told.whole, needs_confirmation=told.needs_confirmation
    )


@operation(router, "POST", "/sources/{source_id}/sync", action=MANAGE, response={202: Started})
def source_sync(request: ApiRequest, source_id: UUID, body: SourceSync, response: HttpResponse) -> "Status[Started]":
    """Synchronize now, as a run; one that is under way is given back."""
    _source(source_id)
    verb = services.source_confirm if body.confirm else services.source_retry if body.retry else services.source_sync
    run = verb(source_id=source_id)
    response["Location"] = path_of("runs", run.id)
    return Status(202, Started(pipeline_id=None, runs=[run_out(run, request_language(request))]))


@operation(router, "POST", "/sources/{source_id}/pause", action=MANAGE, response=SourceOut)
def source_hold(request: ApiRequest, source_id: UUID, body: SourcePause) -> SourceOut:
    """Pause the schedule, or let it go on."""
    return SourceOut.from_orm(services.source_pause(source_id=source_id, paused=body.paused))


@operation(router, "GET", "/sources/{source_id}/items", action=MANAGE, response=Page[ItemOut])
def source_items(
    request: ApiRequest, response: HttpResponse, source_id: UUID, query: Query[ItemsQuery]
) -> Page[ItemOut]:
    """What was seen there, each item with its state and reason."""
    rows = narrowed(SourceItem.objects.filter(source=_source(source_id)), state=query.state, key__icontains=query.q)
    return page(request, response, query, rows, ItemOut.from_orm, sort=query.sort)


@operation(router, "POST", VERSION + "/decision", action="document.import", response=Decided)
def version_decide(request: ApiRequest, document_id: UUID, version_id: UUID, body: VersionDecision) -> Decided:
    """Put a version in force, change its days, or withdraw it; the versions before and after follow."""
    _version(document_id, version_id)
    if body.decision == "in_force":
        told = version_put_in_force(version_id=version_id, day=body.day, until=body.until, only_tell=body.only_tell)
    elif body.decision == "days":
        told = version_days_change(
            version_id=version_id, effective_from=body.day, effective_to=body.until, only_tell=body.only_tell
        )
    else:
        told = version_withdraw(version_id=version_id, day=body.day, previous=body.previous, only_tell=body.only_tell)
    return _decided(told)


@operation(router, "GET", VERSION + "/diff", action="document.view", tenant=False, response=Page[DiffChange])
def version_diff(request: ApiRequest, document_id: UUID, version_id: UUID, query: Query[DiffQuery]) -> Page[DiffChange]:
    """What changed since an older version: blocks, words, cells of tables, and what only moved."""
    who = request.auth
    with tenant_context(who.organization_id, who.user_id, groups=who.document_groups):
        after = _version(document_id, version_id)
        before = _version(document_id, query.against) if query.against else _before(after)
    if not before.blocks_key or not after.blocks_key:
        raise NotFound
    found = versions_compare(before, after)
    wanted = [place for place, kind in enumerate(found.kinds) if query.same or kind != "same"]
    places, following = slice_of(request, query, wanted)
    return Page(items=[DiffChange(**found.changes[place].as_dict()) for place in places], next=following)


def _spec(body: SourceNew) -> SourceSpec:
    return SourceSpec(
        name=body.name,
        kind=body.kind,
        settings=body.settings,
        credentials=body.credentials,
        groups=body.groups,
        group_map=[rule.dict() for rule in body.group_map],
        gone=body.gone,
        as_draft=body.as_draft,
        every_minutes=body.every_minutes,
    )


def _source(source_id: UUID) -> Source:
    return one(Source.objects.all(), id=source_id)


def _version(document_id: UUID, version_id: UUID) -> DocumentVersion:
    rows = versions_readable().filter(document_id=document_id, document__erased_at__isnull=True)
    return one(rows, id=version_id)


def _before(after: DocumentVersion) -> DocumentVersion:
    rows = versions_readable().filter(document_id=after.document_id, number__lt=after.number)
    return one(rows.exclude(blocks_key="").order_by("-number"))


def _decided(told: Decision) -> Decided:
    return Decided(
        changes=[
            DaysChanged(
                version_id=change.version_id,
                version=change.label,
                before=Days(effective_from=change.before[0], effective_to=change.before[1]),
                after=Days(effective_from=change.after[0], effective_to=change.after[1]),
            )
            for change in told.changes
        ],
        gaps=[Days(effective_from=gap.begin, effective_to=gap.end) for gap in told.gaps],
    )
