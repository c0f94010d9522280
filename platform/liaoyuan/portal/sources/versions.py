"""What the page of a document's versions shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from liaoyuan.errors import NotFound
from liaoyuan.knowledge.diff.compare import Change, Comparison
from liaoyuan.knowledge.models import PUBLISHED, Document, DocumentVersion, VersionState
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.knowledge.validity import Gap, Span, gaps

MOST: Final = 100
# Changes on one page of the comparison; blocks that stayed around each.
CHANGES: Final = 200
CONTEXT: Final = 1
_WIDTH: Final = 1000
_NARROWEST: Final = 6


@dataclass(frozen=True)
class Row:
    """One version: where it stands, and what may be done with it."""

    id: UUID
    label: str
    number: int
    badge: str
    state: Any
    effective_from: date | None
    effective_to: date | None
    received: datetime
    file_name: str
    pages: int
    reason: str
    may_begin: bool
    may_change: bool
    may_end: bool
    readable: bool


@dataclass(frozen=True)
class Bar:
    """One version's days on the line: ``x`` and ``width`` of a thousand."""

    label: str
    begin: date | None
    end: date | None
    x: int
    width: int
    tone: str
    line: int


@dataclass(frozen=True)
class VersionsPage:
    document: Document
    rows: Sequence[Row]
    bars: Sequence[Bar]
    today: int | None
    height: int
    current: Row | None
    gaps: Sequence[Gap]
    before: DocumentVersion | None
    after: DocumentVersion | None


@dataclass(frozen=True)
class Step:
    """One line of the comparison, or (``skipped``) so many blocks that stayed."""

    change: Change | None
    skipped: int = 0


def versions_page(document_id: UUID, language: str, query: Any, *, may: bool) -> VersionsPage:
    """Raises NotFound where the reader may read no version of it."""
    found = versions_readable().select_related("document__collection").filter(document_id=document_id)
    versions = list(found.filter(document__erased_at__isnull=True).order_by("-number")[:MOST])
    if not versions:
        raise NotFound
    rows = [_row(version, language, may=may) for version in versions]
    spans = [
        Span(each.id, each.effective_from, each.effective_to, each.label)
        for each in versions
        if each.state in PUBLISHED
    ]
    after = _chosen(versions, query.get("after", "")) or _newest(versions)
    before = _chosen(versions, query.get("before", "")) or _before(versions, after)
    bars, today = _bars(spans, rows)
    return VersionsPage(
        document=versions[0].document,
        rows=rows,
        bars=bars,
        today=today,
        height=24 * max(1, len(bars)),
        current=next((row for row in rows if row.badge == "succeeded"), None),
        gaps=gaps(spans),
        before=before if before and after and before.id != after.id else None,
        after=after,
    )


def phase(version: DocumentVersion, today: date) -> tuple[str, Any]:
    """(badge, word): the days decide, whatever the column says."""
    fixed: dict[str, tuple[str, Any]] = {
        VersionState.RECEIVED: ("running", _("Being read")),
        VersionState.REJECTED: ("failed", _("Refused")),
        VersionState.DRAFT: ("draft", _("Draft, waits for you")),
    }
    if version.state in fixed:
        return fixed[version.state]
    ended = version.effective_to is not None and version.effective_to <= today
    if version.state == VersionState.WITHDRAWN and ended:
        return "cancelled", _("Withdrawn")
    if ended:
        return "neutral", _("Superseded")
    if version.effective_from is not None and version.effective_from > today:
        return "queued", _("Not in force yet")
    return "succeeded", _("In force now")


def _row(version: DocumentVersion, language: str, *, may: bool) -> Row:
    badge, word = phase(version, timezone.localdate())
    return Row(
        id=version.id,
        label=version.label,
        number=version.number,
        badge=badge,
        state=word,
        effective_from=version.effective_from,
        effective_to=version.effective_to,
        received=version.created_at,
        file_name=version.file_name,
        pages=version.pages,
        reason=str(version.error.get(language, "")),
        may_begin=may and bool(version.blocks_key) and badge in {"draft", "cancelled", "neutral"},
        may_change=may and badge in {"succeeded", "queued", "neutral"},
        may_end=may and badge in {"succeeded", "queued"},
        readable=bool(version.blocks_key),
    )


def _chosen(versions: Sequence[DocumentVersion], text: str) -> DocumentVersion | None:
    return next((each for each in versions if str(each.id) == text and each.blocks_key), None)


def _newest(versions: Sequence[DocumentVersion]) -> DocumentVersion | None:
    return next((each for each in versions if each.blocks_key), None)


def _before(versions: Sequence[DocumentVersion], after: DocumentVersion | None) -> DocumentVersion | None:
    """The one that ``after`` takes the place of: by its days where it has some, else the number before."""
    readable = [each for each in versions if each.blocks_key and after and each.id != after.id]
    earlier = [each for each in readable if after and each.number < after.number]
    return next(iter(earlier), None)


def _bars(spans: Sequence[Span], rows: Sequence[Row]) -> tuple[list[Bar], int | None]:
    """The days to scale, between the first known day and a little after today or the last one."""
    shown = [span for span in spans if not span.empty]
    days = [day for span in shown for day in (span.begin, span.end) if day]
    today = timezone.localdate()
    if not shown or not days:
        return [], None
    first, last = min([*days, today]), max([*days, today])
    margin = max(30, (last - first).days // 12)
    first, last = first - timedelta(days=margin), last + timedelta(days=margin)
    total = max(1, (last - first).days)

    def place(day: date) -> int:
        return round((day - first).days * _WIDTH / total)

    badges = {row.id: row.badge for row in rows}
    bars = []
    for line, span in enumerate(sorted(shown, key=lambda each: each.first)):
        x = place(span.begin) if span.begin else 0
        end = place(span.end) if span.end else _WIDTH
        tone = badges.get(span.version, "neutral")
        bars.append(Bar(span.label, span.begin, span.end, x, max(end - x, _NARROWEST), tone, 24 * line + 3))
    return bars, place(today)


def steps(found: Comparison, *, everything: bool, page: int) -> tuple[list[Step], int]:
    """The lines of one page of the comparison, and how many pages there are. Only these lines are read."""
    kinds = found.kinds
    near: set[int] = set()
    for place, kind in enumerate(kinds):
        if kind != "same":
            near.update(range(place - CONTEXT, place + CONTEXT + 1))
    # A place of the comparison, or how many blocks that stayed are left out.
    lines: list[tuple[int | None, int]] = []
    skipped = 0
    for place in range(len(kinds)):
        if not everything and place not in near:
            skipped += 1
            continue
        lines += [(None, skipped)] if skipped else []
        lines.append((place, 0))
        skipped = 0
    lines += [(None, skipped)] if skipped else []
    count = max(1, -(-len(lines) // CHANGES))
    start = (min(max(page, 1), count) - 1) * CHANGES
    shown = lines[start : start + CHANGES]
    return [Step(None if place is None else found.changes[place], left) for place, left in shown], count
