"""A version takes its place among its siblings. What counts in a search is written to its chunks in the same breath."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from django.utils import timezone

from liaoyuan.knowledge.models import PUBLISHED, Chunk, Document, DocumentVersion, VersionState
from liaoyuan.knowledge.validity import Span, placed


def version_publish(version: DocumentVersion) -> None:
    """Called when a version was read: in force from its day on, or a draft where a person has to say so.

    One that was published before keeps its days: being read anew changes nothing of its validity.
    """
    if version.state in PUBLISHED or version.hold:
        version.state = VersionState.DRAFT if version.hold else version.state
        version.save()
        return
    spans = spans_of(version.document_id)
    begin = version.effective_from
    if begin is None and any(span.version != version.id for span in spans):
        begin = timezone.localdate()
    version.effective_from, version.effective_to, version.state = begin, None, VersionState.IN_FORCE
    version.save()
    spans_write(placed(spans, Span(version.id, begin, None, version.label)))
    version.refresh_from_db(fields=["state", "effective_from", "effective_to"])


def document_lock(document_id: UUID) -> None:
    """Two changes of one document's days come one after the other."""
    Document.objects.select_for_update().get(id=document_id)


def spans_of(document_id: UUID) -> list[Span]:
    """The days of all published versions of a document."""
    rows = DocumentVersion.objects.filter(document_id=document_id, state__in=PUBLISHED)
    return [Span(row.id, row.effective_from, row.effective_to, row.label) for row in rows]


def spans_write(spans: Sequence[Span]) -> list[DocumentVersion]:
    """Give versions and their chunks these days; those that changed."""
    rows = DocumentVersion.objects.in_bulk([span.version for span in spans])
    today = timezone.localdate()
    changed = []
    for span in spans:
        row = rows[span.version]
        state = state_on(row, span, today)
        if (row.effective_from, row.effective_to, row.state) == (span.begin, span.end, state):
            continue
        row.effective_from, row.effective_to, row.state = span.begin, span.end, state
        row.save(update_fields=["effective_from", "effective_to", "state"])
        changed.append(row)
        days_write(row)
    return changed


def state_on(row: DocumentVersion, span: Span, today: date) -> str:
    """What a person calls a version with these days."""
    if row.state == VersionState.WITHDRAWN:
        return row.state
    return VersionState.SUPERSEDED if span.end is not None and span.end <= today else VersionState.IN_FORCE


def days_write(row: DocumentVersion) -> None:
    """Copy a version's days to its chunks, in every generation of the index."""
    begin, end = row.days
    Chunk.objects.filter(version=row).update(effective_from=begin, effective_to=end)
