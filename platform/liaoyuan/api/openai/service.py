"""What a /v1 request does, blocking: called in a thread, each step with a short transaction of its own."""

from typing import Any

from liaoyuan.accounts.policy import Principal, require
from liaoyuan.accounts.resolver import principal_from_header
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.api.openai.errors import ModelNotFound
from liaoyuan.api.openai.schemas import ChatRequest
from liaoyuan.deployment import selectors
from liaoyuan.deployment.answering import Answered, Asker, answer
from liaoyuan.deployment.errors import RouteUnknown
from liaoyuan.deployment.models import Deployment, Route
from liaoyuan.operations.budget import budget_check

ACTION = "ask"


def caller(authorization: str) -> Principal:
    """The one resolver, then the policy table. Raises NotAuthenticated, PermissionDenied, ScopeMissing."""
    principal = principal_from_header(authorization)
    require(principal, ACTION)
    return principal


def deployment_of(principal: Principal, name: str) -> Deployment:
    """The deployment behind the model ``name``, within the organization's budget. Raises ModelNotFound, QuotaUsedUp."""
    with tenant_context(principal.organization_id, principal.user_id, groups=principal.document_groups):
        try:
            found = selectors.deployment_for(name)
        except RouteUnknown:
            raise ModelNotFound(param="model") from None
        budget_check()
        return found


def chat(principal: Principal, deployment: Deployment, request: ChatRequest) -> Answered:
    """Answer the request's question; no transaction is held while a model writes."""
    asker = Asker(principal.organization_id, principal.user_id, principal.document_groups)
    return answer(asker=asker, deployment=deployment, question=request.question, mode=request.mode)


def models(principal: Principal) -> list[dict[str, Any]]:
    """The applications that the caller may ask."""
    with tenant_context(principal.organization_id, principal.user_id, groups=principal.document_groups):
        return [_model(route) for route in selectors.routes_visible()]


def model(principal: Principal, name: str) -> dict[str, Any]:
    """One of them. Raises ModelNotFound."""
    found = next((item for item in models(principal) if item["id"] == name), None)
    if found is None:
        raise ModelNotFound(param="model")
    return found


def _model(route: Route) -> dict[str, Any]:
    return {"id": route.name, "object": "model", "created": int(route.created_at.timestamp()), "owned_by": "liaoyuan"}
