"""What a /v1 request does, blocking: called in a thread, each step with a short transaction of its own."""

import base64
from typing import Any, Final
from uuid import UUID

from liaoyuan.accounts.policy import Principal, require
from liaoyuan.accounts.resolver import principal_from_header
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.api.limits import Class, RateLimited, allowance, bucket_name
from liaoyuan.api.openai.errors import ModelNotFound
from liaoyuan.api.openai.schemas import ChatRequest, EmbeddingsRequest, RetrieveRequest
from liaoyuan.api.rest.rows import one
from liaoyuan.api.retrieval import Narrowed, found_in
from liaoyuan.deployment import selectors
from liaoyuan.deployment.answering import Answered, Asker, answer
from liaoyuan.deployment.errors import RouteUnknown
from liaoyuan.deployment.following import followed
from liaoyuan.deployment.models import Deployment, Route
from liaoyuan.deployment.telling import Tell
from liaoyuan.errors import NotFound
from liaoyuan.industry.selectors import industry_get
from liaoyuan.knowledge.adapters.embeddings import Vectors, embedder
from liaoyuan.knowledge.rewriting import TURNS_READ, Turn, standalone
from liaoyuan.knowledge.text.synonyms import Synonyms
from liaoyuan.operations.budget import budget_check
from liaoyuan.pipeline.models import Solution

ACTION = "ask"
# The one embedder of the platform: what it makes is comparable with every collection's index.
EMBEDDER: Final = "multilingual-e5-small"


def caller(authorization: str, limit: Class = "ask") -> Principal:
    """The one resolver, the caller's rate limit, then the policy table.

    Raises NotAuthenticated, RateLimited, PermissionDenied, ScopeMissing.
    """
    principal = principal_from_header(authorization)
    found = allowance(limit, bucket_name(principal, authorization))
    if found is not None and not found.allowed:
        raise RateLimited(limit=found.limit, seconds=found.reset)
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


def chat(
    principal: Principal,
    deployment: Deployment,
    request: ChatRequest,
    *,
    tell: Tell | None = None,
    trace_id: UUID | None = None,
) -> Answered:
    """Answer the request's question; no transaction is held while a model writes. ``tell`` hears it grow."""
    asker = Asker(principal.organization_id, principal.user_id, principal.document_groups)
    answered = answer(
        asker=asker,
        deployment=deployment,
        question=request.question,
        mode=request.mode,
        history=history_of(request),
        tell=tell,
        trace_id=trace_id,
    )
    if not request.follow_ups:
        return answered
    asked = [question for question, _ in request.history] + [request.question]
    return followed(asker=asker, deployment=deployment, answered=answered, asked=asked)


def history_of(request: ChatRequest) -> list[Turn]:
    """The turns before, each made to stand alone by those before it: clients send what was typed, not what it meant."""
    turns: list[Turn] = []
    for question, said in request.history[-TURNS_READ:]:
        turns.append(Turn(standalone(question, turns).text, said))
    return turns


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


def retrieve(principal: Principal, request: RetrieveRequest) -> dict[str, Any]:
    """Chunks for a query with the way to their place. Raises NotFound, ModelNotFound, ModelServerError."""
    collection_id, synonyms = _place(principal, request)
    narrowed = Narrowed(tuple(request.documents or ()), request.least_score, request.changed)
    found = found_in(
        principal,
        collection_id,
        request.query,
        k=request.k,
        day=request.day,
        synonyms=synonyms,
        narrowed=narrowed,
    )
    plain = found.model_dump(mode="json")
    return {"object": "list", "data": plain["hits"], "timings": plain["timings"]}


def embeddings(principal: Principal, request: EmbeddingsRequest) -> dict[str, Any]:
    """Vectors as OpenAI's clients expect them. Raises ModelNotFound for any other model, ModelServerError."""
    if request.model != EMBEDDER:
        raise ModelNotFound(param="model")
    engine, texts = embedder(), request.texts
    vectors = engine.embed(texts, request.input_type)
    data = [
        {"object": "embedding", "index": index, "embedding": _written(vector, request.encoding_format)}
        for index, vector in enumerate(vectors)
    ]
    tokens = sum(engine.count_tokens(text) for text in texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": EMBEDDER, "usage": usage}


def _place(principal: Principal, request: RetrieveRequest) -> tuple[UUID, Synonyms | None]:
    """Which collection, and the trade's own words where a solution tells which trade."""
    if request.collection is not None:
        return request.collection, None
    with tenant_context(principal.organization_id, principal.user_id, groups=principal.document_groups):
        if request.model is not None:
            try:
                bundle = selectors.deployment_for(request.model).bundle
            except RouteUnknown:
                raise ModelNotFound(param="model") from None
            place = bundle.collection_id, bundle.industry, bundle.scenario
        else:
            solution = one(Solution.objects.all(), id=request.solution)
            if solution.collection_id is None:
                raise NotFound
            place = solution.collection_id, solution.industry, solution.scenario
    return place[0], industry_get(place[1]).synonyms(place[2])


def _written(vector: Vectors, form: str) -> Any:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode() if form == "base64" else vector.tolist()
