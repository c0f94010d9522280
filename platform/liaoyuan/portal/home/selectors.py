"""What the first page shows: what needs the reader, the solutions, what was answered, what was used."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from liaoyuan.accounts.policy import Principal, allowed
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.compute.prices import price_book
from liaoyuan.industry.selectors import industry_survey
from liaoyuan.knowledge.rights import all_readable
from liaoyuan.operations.models import Trace
from liaoyuan.operations.usage import Usage, organization_usage
from liaoyuan.pipeline.models import Solution
from liaoyuan.pipeline.notices import unread_count as notices_unread
from liaoyuan.portal.home.needs import Need, needs
from liaoyuan.portal.solutions.selectors import SolutionRow, solution_rows, solutions_live
from liaoyuan.portal.solutions.words import link

MOST_SOLUTIONS: Final = 8
MOST_ANSWERS: Final = 6
BAR_HEIGHT: Final = 36


@dataclass(frozen=True)
class AnswerView:
    """One recent answer; ``withheld`` where it quotes documents that the reader may not see."""

    id: UUID
    question: str
    answer: str
    outcome: Any
    badge: str
    withheld: bool
    citations: int
    seconds: float
    at: datetime
    address: str


@dataclass(frozen=True)
class Bar:
    """One day of the small chart: a rectangle in a box of 36 units."""

    x: int
    y: float
    height: float
    day: Any
    answers: int


@dataclass(frozen=True)
class UsageView:
    usage: Usage
    bars: Sequence[Bar]
    currency: str


@dataclass(frozen=True)
class Sample:
    """A scenario that may be tried with the documents that its pack brings."""

    industry: str
    scenario: str
    title: str
    description: str
    documents: int


@dataclass(frozen=True)
class HomeView:
    """The page. ``usage`` is None for those who do not watch over the operation."""

    needs: Sequence[Need]
    solutions: Sequence[SolutionRow]
    more_solutions: int
    answers: Sequence[AnswerView]
    usage: UsageView | None
    samples: Sequence[Sample]
    may_create: bool
    may_ask: bool


def home_view(principal: Principal, language: str) -> HomeView:
    """Needs the tenant context."""
    live = solutions_live().order_by("-created_at", "id")
    rows = solution_rows(live[:MOST_SOLUTIONS], principal, language)
    may_create = allowed(principal, "solution.create")
    return HomeView(
        needs=needs(principal, language),
        solutions=rows,
        more_solutions=max(live.count() - len(rows), 0) if len(rows) == MOST_SOLUTIONS else 0,
        answers=answer_views(principal),
        usage=usage_view() if allowed(principal, "operations.view") else None,
        samples=samples(language) if may_create and not rows and not Solution.objects.exists() else (),
        may_create=may_create,
        may_ask=allowed(principal, "ask"),
    )


def samples(language: str) -> list[Sample]:
    """One entry for every scenario of the installed packs that bring documents."""
    packs, _refused = industry_survey()
    return [
        Sample(
            industry=pack.name,
            scenario=scenario.name,
            title=scenario.title.in_language(language),
            description=pack.spec.title.in_language(language),
            documents=len(pack.documents.documents),
        )
        for pack in packs
        for scenario in pack.scenarios.values()
        if pack.documents.documents
    ]


def answer_views(principal: Principal) -> list[AnswerView]:
    """The newest answers that the reader may see: all for those who watch over them, else one's own."""
    traces = Trace.objects.order_by("-created_at")
    if not allowed(principal, "trace.view"):
        traces = traces.filter(user_id=principal.user_id)
    return [_answer(trace, principal) for trace in traces[:MOST_ANSWERS]]


def usage_view(days: int = 7) -> UsageView:
    """The last ``days`` days with the bars of the small chart."""
    usage = organization_usage(days=days)
    most = max((day.answers for day in usage.days), default=0) or 1
    bars = []
    for number, day in enumerate(usage.days):
        height = max(BAR_HEIGHT * day.answers / most, 2 if day.answers else 1)
        bars.append(Bar(number * 14, round(BAR_HEIGHT - height, 1), round(height, 1), day.day, day.answers))
    return UsageView(usage, bars, price_book(settings.VAR).currency)


def unread_count(request: HttpRequest) -> int:
    """The bell's number; asked while any page is drawn, the "not found" page too."""
    who: Principal | None = getattr(request, "principal", None)
    if who is None or not allowed(who, "run.view"):
        return 0
    with tenant_context(who.organization_id, who.user_id, groups=who.document_groups):
        return notices_unread(who)


def _answer(trace: Trace, principal: Principal) -> AnswerView:
    readable = trace.user_id == principal.user_id or all_readable(trace.citations)
    badge, label = _outcome(trace)
    watches = allowed(principal, "trace.view")
    return AnswerView(
        id=trace.id,
        question=trace.question if readable else "",
        answer=trace.answer if readable else "",
        outcome=label,
        badge=badge,
        withheld=not readable,
        citations=len(trace.citations) if readable else 0,
        seconds=trace.seconds,
        at=trace.created_at,
        address=link("trace", trace.id) if watches and readable else "",
    )


def _outcome(trace: Trace) -> tuple[str, Any]:
    if trace.error:
        return "errored", _("error")
    if trace.blocked:
        return "failed", _("withheld by the guardrail")
    if trace.abstained:
        return "waiting", _("not answered: no evidence")
    return "succeeded", _("answered with citations") if trace.citations else _("answered")
