"""What people decide about versions: put in force, schedule, change days, withdraw. Inside the tenant context."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.utils import timezone

from liaoyuan.accounts.services import audit_record
from liaoyuan.errors import LiaoyuanError, NotFound
from liaoyuan.knowledge.models import PUBLISHED, DocumentVersion, VersionState
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.knowledge.services.publishing import days_write, document_lock, spans_of, spans_write
from liaoyuan.knowledge.validity import Gap, Span, gaps, moved, placed, withdrawn


class VersionNotReady(LiaoyuanError):
    code = "version_not_ready"
    zh = "这个版本还没有读取完成（或读取失败），不能生效。请先重试读取。"
    en = "This version was not read yet, or could not be read, so it cannot take effect. Let it be read again first."
    status = 409


class VersionNotInForce(LiaoyuanError):
    code = "version_not_in_force"
    zh = "这个版本没有生效，无需撤回。"
    en = "This version is not in force, so there is nothing to withdraw."
    status = 409


@dataclass(frozen=True, slots=True)
class DaysChange:
    """One version whose days change, as a person confirms it."""

    version_id: UUID
    label: str
    before: tuple[date | None, date | None]
    after: tuple[date | None, date | None]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a decision does to all versions of the document, and the days left without any."""

    changes: tuple[DaysChange, ...]
    gaps: tuple[Gap, ...]


def version_put_in_force(
    *, version_id: UUID, day: date | None = None, until: date | None = None, only_tell: bool = False
) -> Decision:
    """In force from ``day`` (today if None), up to ``until`` or whatever begins next; the one before ends there.

    ``only_tell`` True changes nothing. Raises NotFound, VersionNotReady, DaysInvalid, DaysTaken.
    """
    version = _locked(version_id)
    if not version.blocks_key or version.state in {VersionState.RECEIVED, VersionState.REJECTED}:
        raise VersionNotReady
    spans = [span for span in spans_of(version.document_id) if span.version != version.id]
    after = placed(spans, Span(version.id, day or timezone.localdate(), until, version.label))
    return _decide(version, after, "version.in_force", only_tell=only_tell, state=VersionState.IN_FORCE)


def version_days_change(
    *, version_id: UUID, effective_from: date | None, effective_to: date | None, only_tell: bool = False
) -> Decision:
    """Other days for a version that has some; its neighbours follow. Raises NotFound, VersionNotInForce, DaysInvalid,
    DaysTaken."""
    version = _locked(version_id)
    if version.state not in PUBLISHED:
        raise VersionNotInForce
    after = moved(spans_of(version.document_id), Span(version.id, effective_from, effective_to, version.label))
    return _decide(version, after, "version.days", only_tell=only_tell, state=VersionState.IN_FORCE)


def version_withdraw(
    *, version_id: UUID, day: date | None = None, previous: bool = False, only_tell: bool = False
) -> Decision:
    """It ends on ``day`` (today if None). ``previous`` True: the version before takes its days.

    Raises NotFound, VersionNotInForce, DaysInvalid.
    """
    version = _locked(version_id)
    if version.state not in {VersionState.IN_FORCE, VersionState.SUPERSEDED}:
        raise VersionNotInForce
    after = withdrawn(spans_of(version.document_id), version.id, day or timezone.localdate(), previous=previous)
    return _decide(version, after, "version.withdraw", only_tell=only_tell, state=VersionState.WITHDRAWN)


def version_hold(*, version_id: UUID) -> None:
    """Keep a version back as a draft: nobody finds it until a person puts it in force. Raises NotFound."""
    version = _locked(version_id)
    if version.state not in {VersionState.RECEIVED, VersionState.DRAFT, VersionState.REJECTED}:
        raise VersionNotReady
    version.hold = True
    version.save(update_fields=["hold"])


def version_end(version: DocumentVersion, *, day: date) -> bool:
    """Its source has it no more: it ends on ``day``. False where it had ended, or never begun."""
    if version.state == VersionState.DRAFT:
        version.state, version.effective_to = VersionState.WITHDRAWN, version.effective_from
        version.save(update_fields=["state", "effective_to"])
        return True
    if version.state not in PUBLISHED or (version.effective_to is not None and version.effective_to <= day):
        return False
    version_withdraw(version_id=version.id, day=day)
    return True


def versions_settle() -> int:
    """States that the calendar has overtaken, for lists and badges; searches go by days anyway. How many."""
    today = timezone.localdate()
    over = DocumentVersion.objects.filter(state=VersionState.IN_FORCE, effective_to__lte=today)
    return int(over.update(state=VersionState.SUPERSEDED))


def _locked(version_id: UUID) -> DocumentVersion:
    version = versions_readable().select_related("document").filter(id=version_id).first()
    if version is None or version.document.erased_at is not None:
        raise NotFound
    document_lock(version.document_id)
    return DocumentVersion.objects.select_related("document").get(id=version_id)


def _decide(
    version: DocumentVersion, after: list[Span], action: str, *, only_tell: bool, state: VersionState
) -> Decision:
    known = DocumentVersion.objects.in_bulk([span.version for span in after])
    changes = tuple(
        DaysChange(span.version, known[span.version].label, _days(known[span.version]), (span.begin, span.end))
        for span in after
        if span.version == version.id or _days(known[span.version]) != (span.begin, span.end)
    )
    decision = Decision(changes, tuple(gaps(after)))
    if not only_tell:
        version.state, version.hold = state, False
        version.save(update_fields=["state", "hold"])
        spans_write(after)
        version.refresh_from_db()
        days_write(version)
        detail = {"document": str(version.document_id), "days": [str(day) for day in _days(version)]}
        audit_record(action=action, object_kind="document_version", object_id=version.id, detail=detail)
    return decision


def _days(version: DocumentVersion) -> tuple[date | None, date | None]:
    return version.effective_from, version.effective_to
