"""Industries, lineage, the audit chain, live figures, problem codes."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from liaoyuan.api.rest.pages import PageQuery
from liaoyuan.api.rest.schemas.base import Free, Kind, Titles


class ScenarioRow(Schema):
    name: Annotated[str, Field(examples=["guideline-qa"])]
    title: Titles


class IndustryOut(Schema):
    """One installed pack. Where it was refused, ``error`` is the code, and there are no scenarios."""

    name: Annotated[str, Field(examples=["medical"])]
    title: Titles | None
    version: Annotated[str, Field(examples=["1.0.0"])]
    signed_by: str
    scenarios: list[ScenarioRow]
    error: Annotated[str | None, Field(examples=[None])]


class ScenarioOut(Schema):
    """One application that an industry offers: what it takes, what it must pass, what it needs."""

    industry: str
    name: str
    title: Titles
    description: Titles
    users: list[str]
    languages: list[str]
    documents: list[Free]
    gates: list[Free]
    kpis: list[Free]
    needs: Free
    answerer: Free


class Node(Schema):
    kind: Annotated[str, Field(examples=["document_version"])]
    id: UUID
    name: str


class Edge(Schema):
    """parent —relation→ child"""

    parent: UUID
    child: UUID
    relation: Annotated[str, Field(examples=["derived_from"])]


class GraphOut(Schema):
    """What an object rests on (up), or what rests on it (down)."""

    direction: Literal["up", "down"]
    nodes: list[Node]
    edges: list[Edge]


class AuditQuery(PageQuery):
    action: Annotated[Kind | None, Field(examples=["run.approve"])] = None
    object_kind: Annotated[Kind | None, Field(examples=["stage_run"])] = None
    object_id: Annotated[str | None, Field(max_length=80, pattern=r"^[!-~]+$")] = None
    actor: Annotated[str | None, Field(max_length=120, pattern=r"^[!-~]+$")] = None
    since: datetime | None = None
    until: datetime | None = None
    sort: Literal["-seq", "seq"] = "-seq"


class AuditRow(Schema):
    """One link of the chain. ``digest`` covers this row and ``previous``."""

    seq: int
    at: datetime
    actor: str
    action: Annotated[str, Field(examples=["run.approve"])]
    object_kind: str
    object_id: str
    detail: Free
    previous: str
    digest: str


class ChainOut(Schema):
    """``first_bad``: the sequence number at which the chain first breaks."""

    ok: Annotated[bool, Field(examples=[True])]
    checked: int
    first_bad: Annotated[int | None, Field(examples=[None])]
    head: str


class HealthOut(Schema):
    """Answers, rates, tokens, cost, latency and verdicts of some days."""

    answers: int
    abstained: int
    blocked: int
    errors: int
    prompt_tokens: int
    completion_tokens: int
    cost: float
    p50_seconds: float | None
    p95_seconds: float | None
    helpful: int
    unhelpful: int
    reasons: dict[str, int]
    drift: Free


class DayOut(Schema):
    """The sums of one UTC day of one solution."""

    day: date
    solution_id: UUID
    answers: int
    abstained: int
    blocked: int
    errors: int
    prompt_tokens: int
    completion_tokens: int
    cost: float
    p50_seconds: float
    p95_seconds: float
    helpful: int
    unhelpful: int


class DaysQuery(PageQuery):
    solution_id: UUID | None = None
    since: date | None = None
    until: date | None = None
    sort: Literal["-day", "day"] = "-day"


class ProblemOut(Schema):
    """One code that an error may carry; the sentences may hold places for details in braces."""

    code: Annotated[str, Field(examples=["not_found"])]
    status: Annotated[int, Field(examples=[404])]
    retryable: bool
    zh: str
    en: str
