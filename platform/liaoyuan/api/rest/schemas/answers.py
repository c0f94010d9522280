"""Questions, answers, traces, verdicts."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from liaoyuan.api.rest.pages import PageQuery
from liaoyuan.api.rest.schemas.base import Body, Free, Text

Reason = Literal[
    "", "wrong", "incomplete", "outdated", "wrong_source", "should_abstain", "should_answer", "unsafe", "other"
]  # fmt: skip


class Question(Body):
    question: Annotated[
        str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*$", examples=["速干手消毒剂的有效期？"])
    ]
    mode: Annotated[
        Literal["extractive", "generative"] | None, Field(description="against the scenario's own choice")
    ] = None


class Verdict(Body):
    """A bad one needs a reason."""

    helpful: Annotated[bool, Field(examples=[False])]
    reason: Annotated[Reason, Field(examples=["outdated"])] = ""
    comment: Annotated[Text, Field(max_length=2000, examples=["The rule changed in May."])] = ""


class TracesQuery(PageQuery):
    solution_id: UUID | None = None
    mode: Literal["extractive", "generative", "abstained", "guarded", "error"] | None = None
    abstained: bool | None = None
    blocked: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    sort: Literal["-created_at", "created_at"] = "-created_at"


class FeedbackQuery(PageQuery):
    solution_id: UUID | None = None
    helpful: bool | None = None
    reason: Reason | None = None
    sort: Literal["-created_at", "created_at"] = "-created_at"


class CitationOut(Schema):
    """Where a sentence of the answer stands: document, version, page and box."""

    document: Annotated[str, Field(examples=["手卫生管理规定"])]
    version: Annotated[str, Field(examples=["2026-01-01"])]
    locator: Annotated[str, Field(examples=["第三条"])]
    page: int | None
    box: list[float] | None
    boxes: Annotated[list[list[float]], Field(description="[page, x0, y0, x1, y1] of each line of the quote")] = []
    quote: Annotated[str, Field(examples=["速干手消毒剂开启后的有效期为 30 天。"])]
    heading_path: list[str]
    score: float
    chunk_id: str
    document_id: str
    document_version_id: str
    edited_by: Annotated[str, Field(description="who changed this chunk by hand; empty where nobody did")] = ""
    edited_at: datetime | None = None
    literal: Annotated[bool, Field(description="whether the quote stands in the document word for word")] = True
    header: Annotated[str, Field(description="the names of the columns, where the quote is rows of a table")] = ""


class AnswerOut(Schema):
    """An answer with its evidence, or an abstention with what came nearest."""

    trace_id: UUID
    answer: Annotated[str, Field(examples=["速干手消毒剂开启后的有效期为 30 天。[1]"])]
    abstained: Annotated[bool, Field(examples=[False])]
    mode: Annotated[str, Field(examples=["extractive"])]
    model: str
    fell_back: Annotated[bool, Field(examples=[False])]
    citations: list[CitationOut]
    nearest: list[CitationOut]
    escalation: str
    disclaimer: str
    seconds: float


class TraceRow(Schema):
    """One answered question in a list. The texts are withheld where they quote what the caller may not read."""

    id: UUID
    solution_id: UUID | None
    deployment_id: UUID | None
    user_id: UUID | None
    created_at: datetime
    withheld: bool
    question: str
    abstained: bool
    blocked: bool
    mode: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    cost: float
    error: str


class SpanOut(Schema):
    """One timed step; ``start`` counts from the beginning of the trace."""

    name: Annotated[str, Field(examples=["retrieve"])]
    start: float
    seconds: float
    attributes: Free


class VerdictOut(Schema):
    helpful: bool
    reason: str
    comment: str
    created_at: datetime


class TraceOut(TraceRow):
    """Everything about one question and its answer."""

    bundle_id: UUID | None
    answer: str
    citations: list[Free]
    guard: list[Free]
    spans: list[SpanOut]
    feedback: list[VerdictOut]


class FeedbackOut(Schema):
    """One person's verdict on one answer."""

    id: UUID
    trace_id: UUID
    user_id: UUID
    helpful: bool
    reason: str
    comment: str
    created_at: datetime
