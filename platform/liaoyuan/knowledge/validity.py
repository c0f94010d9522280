"""The days in which a document's versions are in force, as pure arithmetic: no two at once, no gap by accident."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from liaoyuan.errors import LiaoyuanError


class DaysInvalid(LiaoyuanError):
    code = "days_invalid"
    zh = "终止日期须晚于生效日期。"
    en = "The day on which it ends must be after the day on which it takes effect."
    status = 422


class DaysTaken(LiaoyuanError):
    code = "days_taken"
    zh = "这些日期会完全覆盖版本 {label}（{begin} 起）。请先撤回该版本，或选择其他日期。"
    en = "These days would cover version {label} (from {begin}) as a whole. Withdraw it first, or choose other days."
    status = 409


@dataclass(frozen=True, slots=True)
class Span:
    """The half-open days of one version: from ``begin``, up to but without ``end``; open where None."""

    version: UUID
    begin: date | None
    end: date | None
    label: str = ""

    @property
    def first(self) -> date:
        return self.begin or date.min

    @property
    def after(self) -> date:
        return self.end or date.max

    @property
    def empty(self) -> bool:
        return self.first >= self.after


@dataclass(frozen=True, slots=True)
class Gap:
    """Days in which nothing would be in force, between the first and the last day of the document."""

    begin: date
    end: date | None


def placed(spans: Sequence[Span], wanted: Span, *, up_to_next: bool = True) -> list[Span]:
    """All spans after ``wanted`` took its days; its neighbours give way, one that began the same day is replaced.

    An open end means, with ``up_to_next``, up to the version that begins next. Raises DaysInvalid, and DaysTaken where
    a whole version would vanish.
    """
    others = sorted((span for span in spans if span.version != wanted.version), key=lambda span: span.first)
    if wanted.end is None and up_to_next:
        following = [span for span in others if span.first > wanted.first and not span.empty]
        wanted = replace(wanted, end=following[0].begin) if following else wanted
    if wanted.empty:
        raise DaysInvalid
    return [*(_given_way(span, wanted) for span in others), wanted]


def _given_way(span: Span, wanted: Span) -> Span:
    if span.empty or span.after <= wanted.first or span.first >= wanted.after:
        return span
    if span.first < wanted.first:
        return replace(span, end=wanted.begin)
    if span.first == wanted.first and span.after <= wanted.after:
        return replace(span, end=span.begin or wanted.begin)
    if span.after > wanted.after:
        return replace(span, begin=wanted.end)
    raise DaysTaken(label=span.label, begin=span.first.isoformat())


def moved(spans: Sequence[Span], wanted: Span) -> list[Span]:
    """As :func:`placed`, for a version that has its days already: those that touched it follow its new ends."""
    old = next(span for span in spans if span.version == wanted.version)
    followed = [_followed(span, old, wanted) for span in spans if span.version != wanted.version]
    return placed([*followed, wanted], wanted, up_to_next=False)


def _followed(span: Span, old: Span, wanted: Span) -> Span:
    if span.end is not None and span.end == old.begin and wanted.begin is not None and span.first < wanted.begin:
        return replace(span, end=wanted.begin)
    if span.begin is not None and span.begin == old.end and wanted.end is not None and wanted.end < span.after:
        return replace(span, begin=wanted.end)
    return span


def withdrawn(spans: Sequence[Span], version: UUID, day: date, *, previous: bool) -> list[Span]:
    """All spans after ``version`` ended on ``day``; with ``previous``, after the one before it took all of its days, as
    if it had never been. Raises DaysInvalid where it has ended before."""
    own = next(span for span in spans if span.version == version)
    if own.after <= day:
        raise DaysInvalid
    before = next((each for each in spans if each.version != version and each.end and each.end == own.begin), None)
    if previous and before is not None:
        rest = [span for span in spans if span.version not in {version, before.version}]
        return [*rest, replace(before, end=own.end), replace(own, end=own.begin)]
    return [*(span for span in spans if span.version != version), replace(own, end=max(day, own.first))]


def gaps(spans: Sequence[Span]) -> list[Gap]:
    """Where nothing is in force although there was something before."""
    found: list[Gap] = []
    covered: date | None = None
    for span in sorted((span for span in spans if not span.empty), key=lambda span: span.first):
        if covered is not None and span.first > covered:
            found.append(Gap(covered, span.begin))
        covered = span.after if covered is None else max(covered, span.after)
    if covered is not None and covered < date.max:
        found.append(Gap(covered, None))
    return found
