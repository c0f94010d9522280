"""Ask a solution, look at what happened, say whether it helped."""

from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Router

from liaoyuan.accounts.policy import Principal, allowed
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.pages import Page, page
from liaoyuan.api.rest.rows import narrowed
from liaoyuan.api.rest.schemas.answers import (
    AnswerOut,
    CitationOut,
    FeedbackOut,
    FeedbackQuery,
    Question,
    SpanOut,
    TraceOut,
    TraceRow,
    TracesQuery,
    Verdict,
    VerdictOut,
)
from liaoyuan.deployment.answering import Asker, answer
from liaoyuan.deployment.errors import NotLive
from liaoyuan.deployment.models import Route
from liaoyuan.deployment.selectors import deployment_for
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.rights import all_readable
from liaoyuan.operations.budget import budget_check
from liaoyuan.operations.models import Feedback, Trace
from liaoyuan.operations.selectors import trace_get
from liaoyuan.operations.services import feedback_give
from liaoyuan.pipeline.selectors import solution_get

router = Router(tags=["answers"])
SHOWN_IN_ROWS = tuple(name for name in TraceRow.model_fields if name not in {"withheld", "question"})


@operation(
    router, "POST", "/solutions/{solution_id}/ask", action="ask", limit="ask", tenant=False, response=AnswerOut
)  # fmt: skip
def solution_ask(request: ApiRequest, solution_id: UUID, body: Question) -> AnswerOut:
    """One question, answered with citations or not at all."""
    who = request.auth
    with tenant_context(who.organization_id, who.user_id, groups=who.document_groups):
        solution = solution_get(solution_id)
        route = Route.objects.filter(solution_id=solution.id).first()
        if route is None:
            raise NotLive
        deployment = deployment_for(route.name)
        budget_check()
    # No transaction is held while a model writes.
    asker = Asker(who.organization_id, who.user_id, who.document_groups)
    found = answer(asker=asker, deployment=deployment, question=body.question, mode=body.mode)
    return AnswerOut(
        trace_id=found.trace_id,
        answer=found.text,
        abstained=found.abstained,
        mode=found.mode,
        model=found.model,
        fell_back=found.fell_back,
        citations=[CitationOut(**citation) for citation in found.citations],
        nearest=[CitationOut(**citation) for citation in found.nearest],
        escalation=found.escalation,
        disclaimer=found.disclaimer,
        seconds=found.seconds,
    )


@operation(router, "GET", "/traces", action="trace.view", response=Page[TraceRow])
def traces_list(request: ApiRequest, response: HttpResponse, query: Query[TracesQuery]) -> Page[TraceRow]:
    """What was asked and what came of it. A text that quotes documents one may not read is withheld."""
    rows = narrowed(
        Trace.objects.all(),
        solution_id=query.solution_id,
        mode=query.mode,
        abstained=query.abstained,
        blocked=query.blocked,
        created_at__gte=query.since,
        created_at__lt=query.until,
    )
    return page(request, response, query, rows, lambda trace: _row(request.auth, trace), sort=query.sort)


@operation(router, "GET", "/traces/{trace_id}", action="trace.view", response=TraceOut)
def trace_show(request: ApiRequest, trace_id: UUID) -> TraceOut:
    """What happened for one question. The text is withheld where it quotes documents that the caller may not read."""
    trace = trace_get(trace_id)
    row = _row(request.auth, trace)
    return TraceOut(
        **row.model_dump(),
        bundle_id=trace.bundle_id,
        answer="" if row.withheld else trace.answer,
        citations=[] if row.withheld else trace.citations,
        guard=trace.guard,
        spans=[SpanOut.from_orm(span) for span in trace.spans.order_by("position")],
        feedback=[VerdictOut.from_orm(verdict) for verdict in trace.feedback.order_by("created_at")],
    )


@operation(router, "POST", "/traces/{trace_id}/feedback", action="feedback.give", response=FeedbackOut)
def trace_feedback(request: ApiRequest, trace_id: UUID, body: Verdict) -> FeedbackOut:
    """A verdict on one's own answer, or on any answer for those who may see traces. A bad one needs a reason."""
    who = request.auth
    if not allowed(who, "trace.view") and not Trace.objects.filter(id=trace_id, user_id=who.user_id).exists():
        raise NotFound
    feedback = feedback_give(
        trace_id=trace_id, user_id=who.user_id, helpful=body.helpful, reason=body.reason, comment=body.comment
    )
    return FeedbackOut.from_orm(feedback)


@operation(router, "GET", "/feedback", action="trace.view", response=Page[FeedbackOut])
def feedback_list(request: ApiRequest, response: HttpResponse, query: Query[FeedbackQuery]) -> Page[FeedbackOut]:
    """What people said about answers."""
    rows = narrowed(
        Feedback.objects.all(), trace__solution_id=query.solution_id, helpful=query.helpful, reason=query.reason
    )
    return page(request, response, query, rows, FeedbackOut.from_orm, sort=query.sort)


def _row(who: Principal, trace: Trace) -> TraceRow:
    """One trace in a list; who sees every document sees every text, and everybody sees their own."""
    readable = trace.user_id == who.user_id or who.document_groups is None or all_readable(trace.citations)
    shown = {name: getattr(trace, name) for name in SHOWN_IN_ROWS}
    return TraceRow(**shown, withheld=not readable, question=trace.question if readable else "")
