"""Ask a solution, look at what happened, say whether it helped."""

from uuid import UUID

from ninja import Router

from liaoyuan.accounts.policy import allowed
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.schemas import AnswerOut, Question, Verdict
from liaoyuan.deployment.answering import Asker, answer
from liaoyuan.deployment.models import Route
from liaoyuan.deployment.selectors import deployment_for
from liaoyuan.errors import LiaoyuanError, NotFound
from liaoyuan.knowledge.rights import all_readable
from liaoyuan.operations.budget import budget_check
from liaoyuan.operations.models import Trace
from liaoyuan.operations.selectors import trace_get
from liaoyuan.operations.services import feedback_give
from liaoyuan.pipeline.selectors import solution_get

router = Router(tags=["answers"])


class NotDeployed(LiaoyuanError):
    code = "not_deployed"
    zh = "该应用尚未上线。请先完成流水线，并批准上线。"
    en = "This solution is not live yet. Complete its pipeline and approve it first."
    status = 409


@operation(router, "POST", "/solutions/{solution_id}/ask", action="ask", tenant=False, response=AnswerOut)
def solution_ask(request: ApiRequest, solution_id: UUID, body: Question) -> AnswerOut:
    """One question, answered with citations or not at all."""
    who = request.auth
    with tenant_context(who.organization_id, who.user_id, groups=who.document_groups):
        solution = solution_get(solution_id)
        route = Route.objects.filter(solution_id=solution.id).first()
        if route is None:
            raise NotDeployed
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
        citations=list(found.citations),
        nearest=list(found.nearest),
        escalation=found.escalation,
        disclaimer=found.disclaimer,
        seconds=found.seconds,
    )


@operation(router, "GET", "/traces/{trace_id}", action="trace.view")
def trace_show(request: ApiRequest, trace_id: UUID) -> dict[str, object]:
    """What happened for one question. The text is withheld where it quotes documents that the caller may not read."""
    trace = trace_get(trace_id)
    readable = trace.user_id == request.auth.user_id or all_readable(trace.citations)
    return {
        "id": trace.id,
        "solution_id": trace.solution_id,
        "deployment_id": trace.deployment_id,
        "bundle_id": trace.bundle_id,
        "user_id": trace.user_id,
        "created_at": trace.created_at,
        "withheld": not readable,
        "question": trace.question if readable else "",
        "answer": trace.answer if readable else "",
        "citations": trace.citations if readable else [],
        "abstained": trace.abstained,
        "mode": trace.mode,
        "model": trace.model,
        "guard": trace.guard,
        "spans": list(trace.spans.order_by("position").values("name", "start", "seconds", "attributes")),
        "prompt_tokens": trace.prompt_tokens,
        "completion_tokens": trace.completion_tokens,
        "seconds": trace.seconds,
        "cost": trace.cost,
        "error": trace.error,
        "feedback": list(trace.feedback.values("helpful", "reason", "comment", "created_at")),
    }


@operation(router, "POST", "/traces/{trace_id}/feedback", action="feedback.give")
def trace_feedback(request: ApiRequest, trace_id: UUID, body: Verdict) -> dict[str, object]:
    """A verdict on one's own answer, or on any answer for those who may see traces. A bad one needs a reason."""
    who = request.auth
    if not allowed(who, "trace.view") and not Trace.objects.filter(id=trace_id, user_id=who.user_id).exists():
        raise NotFound
    feedback = feedback_give(
        trace_id=trace_id, user_id=who.user_id, helpful=body.helpful, reason=body.reason, comment=body.comment
    )
    return {"id": feedback.id, "helpful": feedback.helpful, "reason": feedback.reason}
