"""The retrieval lab for programs: one question, taken apart."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from ninja import Router, Schema
from pydantic import Field

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.rows import one
from liaoyuan.api.rest.schemas.base import Body, Group
from liaoyuan.knowledge.explain import explain
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.retrieve import retrieval_settings
from liaoyuan.knowledge.settings import RetrievalSettings

router = Router(tags=["documents"])
Weight = Annotated[float | None, Field(ge=0, le=10)]


class LabQuestion(Body):
    """What to try; what is left out is as the collection says. ``groups`` narrow the caller's own rights."""

    query: Annotated[
        str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*$", examples=["速干手消毒剂的有效期？"])
    ]
    day: Annotated[date | None, Field(examples=[None])] = None
    groups: Annotated[list[Group] | None, Field(max_length=50, examples=[None])] = None
    candidates: Annotated[int | None, Field(ge=5, le=500)] = None
    vector_weight: Weight = None
    lexical_weight: Weight = None
    reranker: Annotated[str | None, Field(min_length=1, max_length=80, examples=["fusion"])] = None
    generation: Annotated[UUID | None, Field(description="an index generation; left out: the live one")] = None


class LabRow(Schema):
    """A passage with its rank and score in each step; null where a search did not find it."""

    rank: int
    score: float
    vector_rank: int | None
    cosine: float
    words_rank: int | None
    words_score: float
    fused_rank: int
    features: dict[str, float]
    chunk_id: UUID
    document_id: UUID
    document: str
    version: str
    locator: str
    heading_path: list[str]
    page: int | None
    text: str
    cited: int | None


class LabPassage(Schema):
    """What a model would read for one cited passage."""

    chunk_id: UUID
    document: str
    text: str


class LabOut(Schema):
    """Every step behind an answer. ``timings`` are seconds by step; ``answer`` is as the command line prints it."""

    question: dict[str, Any]
    settings: dict[str, Any]
    generation: int | None
    reranker: str
    notes: list[str]
    rows: list[LabRow]
    context: list[LabPassage]
    answer: dict[str, Any]
    judgement: dict[str, float]
    timings: dict[str, float]


@operation(
    router, "POST", "/collections/{collection_id}/lab", action="ask", limit="ask", tenant=False, response=LabOut
)  # fmt: skip
def collection_lab(request: ApiRequest, collection_id: UUID, body: LabQuestion) -> LabOut:
    """Ask a collection and see each search's ranks and scores, the order, the context, the answer and the timings."""
    who = request.auth
    own = who.document_groups
    chosen = own if body.groups is None else tuple(g for g in body.groups if own is None or g in own)
    with tenant_context(who.organization_id, who.user_id, groups=chosen):
        one(Collection.objects.all(), id=collection_id)
        given = body.model_dump(
            include={"candidates", "vector_weight", "lexical_weight", "reranker"}, exclude_none=True
        )
        settings = RetrievalSettings.model_validate(retrieval_settings(collection_id).model_dump() | given)
        found = explain(collection_id, body.query, day=body.day, settings=settings, index_id=body.generation)
    return LabOut(**found.as_dict())
