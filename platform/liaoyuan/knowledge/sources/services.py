"""What people do with sources. Inside the tenant context; the door asks the policy table (``source.manage``)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.utils import timezone

from liaoyuan.accounts.names import groups_clean, name_clean
from liaoyuan.accounts.selectors import organization_ids
from liaoyuan.accounts.services import audit_record
from liaoyuan.accounts.tenancy import current_tenant, tenant_context
from liaoyuan.errors import InvalidInput, NotFound
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.services.versioning import versions_settle
from liaoyuan.knowledge.sources.connector import Reached, check
from liaoyuan.knowledge.sources.errors import SourceBusy, SourceExists
from liaoyuan.knowledge.sources.models import Gone, ItemState, Source, SourceItem, SourceKind, SourceState
from liaoyuan.knowledge.sources.opening import connector_of, source_open
from liaoyuan.knowledge.sources.sealing import seal
from liaoyuan.knowledge.sources.settings import credentials_read, group_map_read, settings_read
from liaoyuan.knowledge.sources.syncing import item_end
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import FINAL_STATES, StageRun
from liaoyuan.pipeline.services import stage_run_start

# Minutes between two synchronizations; 0 is "only when somebody asks".
SCHEDULES: Final = (0, 15, 60, 360, 1440, 10080)
_DUE_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A source as a person describes it. ``credentials`` None leaves those that are stored."""

    name: str
    kind: str
    settings: Mapping[str, Any]
    credentials: Mapping[str, Any] | None = None
    groups: Sequence[str] = ()
    group_map: Sequence[Mapping[str, Any]] = ()
    gone: str = Gone.END
    as_draft: bool = False
    every_minutes: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)


def source_add(*, collection_id: UUID, spec: SourceSpec) -> Source:
    """A new source, not read yet. Raises NotFound, SourceInvalid, SourceNotAllowed, SourceExists, InvalidInput."""
    collection = Collection.objects.filter(id=collection_id).first()
    if collection is None:
        raise NotFound
    tenant = current_tenant()
    source = Source(
        id=uuid4(), organization_id=tenant.organization_id, collection=collection, created_by=tenant.user_id
    )
    _describe(source, spec)
    source.prefix = source.name
    connector_of(settings_read(source.kind, source.settings), dict(spec.credentials or {}))
    try:
        with transaction.atomic():
            source.save(force_insert=True)
    except IntegrityError as error:
        raise SourceExists(name=source.name) from error
    _record("source.add", source)
    return source


def source_change(*, source_id: UUID, spec: SourceSpec) -> Source:
    """Other settings; the kind stays. Items are judged anew at the next run. Raises what :func:`source_add` raises."""
    source = _locked(source_id)
    if spec.kind != source.kind:
        raise InvalidInput(detail="kind")
    _describe(source, spec)
    source_open(source)
    try:
        with transaction.atomic():
            source.save()
    except IntegrityError as error:
        raise SourceExists(name=source.name) from error
    _record("source.change", source)
    return source


def _describe(source: Source, spec: SourceSpec) -> None:
    name = name_clean(spec.name)[:100]
    if not name or spec.kind not in SourceKind.values or spec.gone not in Gone.values:
        raise InvalidInput(detail="name, kind, gone")
    if spec.every_minutes not in SCHEDULES:
        raise InvalidInput(detail=f"every_minutes: {', '.join(map(str, SCHEDULES))}")
    source.name, source.kind, source.gone = name.replace("/", "／"), spec.kind, spec.gone
    source.settings = settings_read(spec.kind, dict(spec.settings)).model_dump()
    source.groups = sorted(groups_clean(spec.groups))
    source.group_map = group_map_read([dict(rule) for rule in spec.group_map])
    source.as_draft, source.every_minutes = spec.as_draft, spec.every_minutes
    source.due_at = timezone.now() if spec.every_minutes else None
    if spec.kind == SourceKind.S3 and (spec.credentials or not source.sealed):
        sealed = credentials_read(dict(spec.credentials or {})).model_dump()
        source.sealed = seal(sealed, organization_id=source.organization_id, source_id=source.id)


def source_rekey(*, source_id: UUID, credentials: Mapping[str, Any]) -> Source:
    """Another key for the same place, taken only once it opens the place; what was read stays read, and a
    synchronization that the old key stopped goes on. Raises NotFound, InvalidInput where the kind has no key, and what
    the place raises: then the old key stays."""
    found = _get(source_id)
    if found.kind != SourceKind.S3:
        raise InvalidInput(detail="credentials: s3")
    told = credentials_read(dict(credentials)).model_dump()
    check(connector_of(settings_read(found.kind, found.settings), told))
    source = _locked(source_id)
    source.sealed = seal(told, organization_id=source.organization_id, source_id=source.id)
    source.error = {}
    if source.every_minutes and source.state != SourceState.PAUSED:
        source.due_at = timezone.now()
    source.save(update_fields=["sealed", "error", "due_at"])
    _record("source.rekey", source)
    return source


def source_test(*, spec: SourceSpec, source_id: UUID | None = None) -> Reached:
    """Look whether the place can be read, without storing anything. Raises what the place raises."""
    credentials = dict(spec.credentials or {})
    if source_id is not None and not credentials:
        return check(source_open(_get(source_id)))
    return check(connector_of(settings_read(spec.kind, dict(spec.settings)), credentials))


def source_sync(*, source_id: UUID, confirmed: int = 0) -> StageRun:
    """Start a run, or give the one that is under way. Raises NotFound."""
    source = _locked(source_id)
    running = _running(source)
    if running is not None:
        return running
    spec = {
        "source_id": str(source.id),
        "collection_id": str(source.collection_id),
        "confirmed": confirmed,
        "source": source.name,
    }
    run = stage_run_start(stage=StageName.SYNC, spec=spec)
    source.last_run_id = run.id
    source.due_at = timezone.now() + timedelta(minutes=source.every_minutes) if source.every_minutes else None
    source.save(update_fields=["last_run_id", "due_at"])
    return run


def source_confirm(*, source_id: UUID) -> StageRun:
    """A person agrees that as many documents end as the last run held back; not one more. Raises NotFound."""
    source = _locked(source_id)
    if not source.held:
        raise NotFound
    _record("source.confirm", source, held=source.held)
    return source_sync(source_id=source_id, confirmed=source.held)


def source_pause(*, source_id: UUID, paused: bool) -> Source:
    """A paused source is read only when somebody asks. Raises NotFound."""
    source = _locked(source_id)
    source.state = SourceState.PAUSED if paused else SourceState.ACTIVE
    if not paused and source.held:
        source.state = SourceState.CONFIRM
    if not paused and source.every_minutes:
        source.due_at = timezone.now()
    source.save(update_fields=["state", "due_at"])
    _record("source.pause" if paused else "source.resume", source)
    return source


def source_retry(*, source_id: UUID) -> StageRun:
    """Read everything that failed again, whatever its source says of it. Raises NotFound."""
    source = _locked(source_id)
    SourceItem.objects.filter(source=source, state=ItemState.FAILED).update(state=ItemState.PENDING, marker="")
    return source_sync(source_id=source_id)


def source_remove(*, source_id: UUID, documents: str = Gone.KEEP) -> int:
    """Forget a source; its documents stay, end or are erased. How many items there were. Raises NotFound, SourceBusy,
    InvalidInput."""
    source = _locked(source_id)
    if documents not in Gone.values:
        raise InvalidInput(detail="documents")
    if _running(source) is not None:
        raise SourceBusy(name=source.name)
    items = SourceItem.objects.filter(source=source).exclude(state=ItemState.GONE)
    count = items.count()
    source.gone = documents
    if documents != Gone.KEEP:
        for item in items.iterator(chunk_size=500):
            item_end(source, item)
    _record("source.remove", source, items=count, documents=documents)
    source.delete()
    return count


def sources_start_due() -> int:
    """Start what is due, for all tenants, and settle states that the calendar has overtaken; how many were started.

    Opens contexts of its own; called by the schedule.
    """
    return sum(_start_due(organization_id) for organization_id in organization_ids("sources that are due"))


def _start_due(organization_id: UUID) -> int:
    with tenant_context(organization_id):
        active = Source.objects.filter(state__in=(SourceState.ACTIVE, SourceState.CONFIRM), due_at__lte=timezone.now())
        due = list(active.order_by("due_at").values_list("id", "created_by")[:_DUE_AT_ONCE])
        versions_settle()
    for source_id, person in due:
        with tenant_context(organization_id, person):
            source_sync(source_id=source_id)
    return len(due)


def _get(source_id: UUID) -> Source:
    source = Source.objects.filter(id=source_id).first()
    if source is None:
        raise NotFound
    return source


def _locked(source_id: UUID) -> Source:
    source = Source.objects.select_for_update().filter(id=source_id).first()
    if source is None:
        raise NotFound
    return source


def _running(source: Source) -> StageRun | None:
    if source.last_run_id is None:
        return None
    return StageRun.objects.filter(id=source.last_run_id).exclude(state__in=FINAL_STATES).first()


def _record(action: str, source: Source, **detail: Any) -> None:
    audit_record(
        action=action,
        object_kind="source",
        object_id=source.id,
        detail={"name": source.name, "kind": source.kind, "collection": str(source.collection_id)} | detail,
    )
