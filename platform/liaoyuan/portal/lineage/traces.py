"""What the traces pages show. What quotes documents that the reader may not see is withheld, and cannot be searched."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from liaoyuan.accounts.models import User
from liaoyuan.accounts.policy import Principal, allowed
from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.compute.prices import PriceBookInvalid, price_book
from liaoyuan.deployment.models import Bundle
from liaoyuan.knowledge.rights import all_readable, versions_readable
from liaoyuan.operations.models import Feedback, Trace
from liaoyuan.operations.selectors import trace_get
from liaoyuan.pipeline.models import Lineage, Solution
from liaoyuan.portal.evaluation.selectors import verdict_address
from liaoyuan.portal.lineage.steps import Bar, Cited, Decision, bar_of, cited, decision_of
from liaoyuan.portal.stages.words import REASONS, VERDICTS

A_PAGE: Final = 25
OUTCOMES: Final[dict[str, tuple[str, Any]]] = {
    "answered": ("succeeded", _("answered")),
    "declined": ("neutral", _("declined")),
    "blocked": ("cancelled", _("blocked")),
    "error": ("failed", _("error")),
}
JUDGED: Final[dict[str, Any]] = {
    "helpful": _("helpful"),
    "unhelpful": _("not helpful"),
    "none": _("without a verdict"),
}
PERIODS: Final[dict[str, Any]] = {"1": _("last day"), "7": _("last 7 days"), "30": _("last 30 days")}
MODES: Final[dict[str, Any]] = {
    "extractive": _("quoted from the documents"),
    "generative": _("written by the model"),
    "abstained": _("declined"),
    "guarded": _("stopped by the guardrail"),
    "error": _("error"),
}


@dataclass(frozen=True)
class TraceRow:
    """One answer in a list; question and answer are empty where it is ``withheld``."""

    id: UUID
    question: str
    answer: str
    withheld: bool
    outcome: str
    state: str
    label: Any
    seconds: float
    cost: float
    tokens: int
    at: datetime
    solution: str = ""
    helpful: bool | None = None
    touched: Sequence[Any] = ()


@dataclass(frozen=True)
class Option:
    value: str
    label: Any
    chosen: bool


@dataclass(frozen=True)
class TraceList:
    """One page of the list; ``older`` is the address of the next one, empty at the end."""

    rows: Sequence[TraceRow]
    solutions: Sequence[Option]
    outcomes: Sequence[Option]
    verdicts: Sequence[Option]
    periods: Sequence[Option]
    query: str
    filtered: bool
    later: bool
    older: str
    newest: str


@dataclass(frozen=True)
class TracePage:
    """Everything that is known of one answer; texts and citations are left out where it is withheld.

    ``why`` is the address of its verdict, empty where the reader may not ask for one.
    """

    row: TraceRow
    trace: Trace
    citations: Sequence[Cited]
    bars: Sequence[Bar]
    decisions: Sequence[Decision]
    feedback: Sequence[tuple[Feedback, Any, str]]
    bundle: Bundle | None
    asker: str
    solution: Solution | None
    mode: Any
    currency: str
    why: str


def trace_list(asked: Mapping[str, str], principal: Principal) -> TraceList:
    """The answers that ``asked`` filters: solution, outcome, verdict, period, q; ``before`` is the cursor."""
    names = dict(Solution.objects.order_by("name").values_list("id", "name"))
    found = _paged(_filtered(Trace.objects.all(), asked, principal), asked.get("before", ""))
    page = list(found[: A_PAGE + 1])
    more, page = len(page) > A_PAGE, page[:A_PAGE]
    kept = {key: asked[key] for key in ("solution", "outcome", "verdict", "period", "q") if asked.get(key)}
    return TraceList(
        rows=trace_rows(page, principal, names),
        solutions=[Option(str(key), name, asked.get("solution") == str(key)) for key, name in names.items()],
        outcomes=[Option(key, label, asked.get("outcome") == key) for key, (_state, label) in OUTCOMES.items()],
        verdicts=_options(JUDGED, asked.get("verdict", "")),
        periods=_options(PERIODS, asked.get("period", "")),
        query=asked.get("q", ""),
        filtered=bool(kept),
        later=bool(asked.get("before")),
        older=f"?{urlencode(kept | {'before': cursor_of(page[-1])})}" if more else "",
        newest=f"?{urlencode(kept)}",
    )


def trace_rows(
    traces: Iterable[Trace], principal: Principal, names: Mapping[UUID, str] | None = None
) -> list[TraceRow]:
    """Rows of a list, with two questions to the database however many there are."""
    listed = list(traces)
    readable = _readable(listed, principal)
    judged = dict(Feedback.objects.filter(trace__in=listed).order_by("created_at").values_list("trace_id", "helpful"))
    return [_row(trace, trace.id in readable, judged.get(trace.id), names or {}) for trace in listed]


def trace_page(trace_id: UUID, principal: Principal) -> TracePage:
    """One answer with its waterfall. Raises NotFound."""
    trace = trace_get(trace_id)
    row = _row(trace, bool(_readable([trace], principal)), None, {})
    spans = list(trace.spans.all())
    people = _people([item.user_id for item in trace.feedback.all()] + [trace.user_id])
    solution = Solution.objects.filter(id=trace.solution_id).first() if trace.solution_id else None
    whole = max([trace.seconds, *(span.start + span.seconds for span in spans)], default=0.0)
    return TracePage(
        row=row,
        trace=trace,
        citations=[] if row.withheld else cited(trace.citations),
        bars=[bar_of(span, whole) for span in sorted(spans, key=lambda span: span.position)],
        decisions=[decision_of(verdict) for verdict in trace.guard],
        feedback=[(item, REASONS.get(item.reason, ""), people.get(item.user_id, "")) for item in trace.feedback.all()],
        bundle=Bundle.objects.filter(id=trace.bundle_id).first() if trace.bundle_id else None,
        asker=people.get(trace.user_id, "") if trace.user_id else "",
        solution=solution,
        mode=MODES.get(trace.mode, trace.mode),
        currency=currency(),
        why=_why(trace, row.outcome, solution, principal),
    )


def _why(trace: Trace, outcome: str, solution: Solution | None, principal: Principal) -> str:
    """Only what came from the documents can be judged by them, and only by who may read all that it quotes."""
    if solution is None or outcome not in {"answered", "declined"} or not all_readable(trace.citations):
        return ""
    return verdict_address(principal, trace.id, solution.collection_id)


def traces_holding(query: str, principal: Principal) -> QuerySet[Trace]:
    """The answers that hold the words of ``query``, or the one with this id, as far as the reader may know of them."""
    mine = Trace.objects.all() if allowed(principal, "trace.view") else Trace.objects.filter(user_id=principal.user_id)
    identifier = _uuid(query)
    return mine.filter(id=identifier) if identifier else _of_words(mine, query.split(), principal)


def cursor_of(trace: Trace) -> str:
    """Where the next page begins: behind this trace."""
    return f"{trace.created_at.isoformat()}_{trace.id}"


def outcome_of(trace: Trace) -> str:
    """How an answer ended: answered, declined, blocked or error."""
    if trace.error:
        return "error"
    if trace.blocked:
        return "blocked"
    return "declined" if trace.abstained else "answered"


def _filtered(traces: QuerySet[Trace], asked: Mapping[str, str], principal: Principal) -> QuerySet[Trace]:
    if solution := _uuid(asked.get("solution", "")):
        traces = traces.filter(solution_id=solution)
    if asked.get("period", "") in PERIODS:
        traces = traces.filter(created_at__gte=timezone.now() - timedelta(days=int(asked["period"])))
    traces = _of_outcome(traces, asked.get("outcome", ""))
    traces = _of_verdict(traces, asked.get("verdict", ""))
    return _of_words(traces, asked.get("q", "").split(), principal)


def _of_outcome(traces: QuerySet[Trace], outcome: str) -> QuerySet[Trace]:
    match outcome:
        case "answered":
            return traces.filter(error="", blocked=False, abstained=False)
        case "declined":
            return traces.filter(error="", blocked=False, abstained=True)
        case "blocked":
            return traces.filter(error="", blocked=True)
        case "error":
            return traces.exclude(error="")
    return traces


def _of_verdict(traces: QuerySet[Trace], verdict: str) -> QuerySet[Trace]:
    given = Feedback.objects.filter(trace_id=OuterRef("id"))
    match verdict:
        case "helpful" | "unhelpful":
            return traces.filter(Exists(given.filter(helpful=verdict == "helpful")))
        case "none":
            return traces.filter(~Exists(given))
    return traces


def _of_words(traces: QuerySet[Trace], words: Sequence[str], principal: Principal) -> QuerySet[Trace]:
    """Whoever may not read an answer must not learn by searching what stands in it."""
    if not words:
        return traces
    for word in words:
        traces = traces.filter(Q(question__icontains=word) | Q(answer__icontains=word))
    if current_tenant().groups is None:
        return traces
    hidden = Lineage.objects.filter(
        child_kind="answer", child_id=OuterRef("id"), parent_kind="document_version"
    ).exclude(parent_id__in=versions_readable().values("id"))
    return traces.filter(~Exists(hidden) | Q(user_id=principal.user_id))


def _paged(traces: QuerySet[Trace], before: str) -> QuerySet[Trace]:
    ordered = traces.order_by("-created_at", "-id")
    at, _underscore, last = before.partition("_")
    moment, identifier = _moment(at), _uuid(last)
    if moment is None or identifier is None:
        return ordered
    return ordered.filter(Q(created_at__lt=moment) | Q(created_at=moment, id__lt=identifier))


def _readable(traces: Sequence[Trace], principal: Principal) -> set[UUID]:
    """Those whose cited documents the reader may all see, and one's own."""
    if current_tenant().groups is None:
        return {trace.id for trace in traces}
    quoted = {trace.id: _versions(trace) for trace in traces}
    asked = set().union(*quoted.values()) if quoted else set()
    seen = (
        {str(key) for key in versions_readable().filter(id__in=asked).values_list("id", flat=True)} if asked else set()
    )
    return {trace.id for trace in traces if trace.user_id == principal.user_id or quoted[trace.id] <= seen}


def _versions(trace: Trace) -> set[str]:
    return {str(item["document_version_id"]) for item in trace.citations if item.get("document_version_id")}


def _row(trace: Trace, readable: bool, helpful: bool | None, names: Mapping[UUID, str]) -> TraceRow:
    outcome = outcome_of(trace)
    state, label = OUTCOMES[outcome]
    actions = dict.fromkeys(verdict["action"] for verdict in trace.guard if verdict.get("action", "allow") != "allow")
    return TraceRow(
        id=trace.id,
        question=trace.question if readable else "",
        answer=trace.answer if readable else "",
        withheld=not readable,
        outcome=outcome,
        state=state,
        label=label,
        seconds=trace.seconds,
        cost=trace.cost,
        tokens=trace.prompt_tokens + trace.completion_tokens,
        at=trace.created_at,
        solution=names.get(trace.solution_id, "") if trace.solution_id else "",
        helpful=helpful,
        touched=[VERDICTS.get(action, action) for action in actions],
    )


def currency() -> str:
    """In what the operator's price book counts; empty where it cannot be read."""
    try:
        return price_book(Path(settings.VAR)).currency
    except PriceBookInvalid:
        return ""


def _people(ids: Sequence[UUID | None]) -> dict[UUID, str]:
    wanted = {each for each in ids if each}
    found = User.objects.filter(id__in=wanted).values_list("id", "name", "email") if wanted else []
    return {key: name or email for key, name, email in found}


def _options(words: Mapping[str, Any], chosen: str) -> list[Option]:
    return [Option(value, label, value == chosen) for value, label in words.items()]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        return None
    return found if found and found.tzinfo else None
