"""Question sets, questions, evaluations, verdicts."""

import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field, StringConstraints

from liaoyuan.api.rest.pages import PageQuery
from liaoyuan.api.rest.schemas.base import VISIBLE, Body, Free, Name, Text

SetState = Literal["draft", "approved", "retired"]
QuestionState = Literal["proposed", "approved", "rejected"]
Asked = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00]+$"),
    Field(examples=["医疗废物暂时贮存的时间最多几天？"]),
]
Place = Annotated[
    str, StringConstraints(min_length=1, max_length=400, pattern=VISIBLE), Field(examples=["医疗废物管理办法#第三条"])
]
AsOf = Annotated[
    datetime.date | None, Field(description="asks what was in force on that day; null: today", examples=["2024-05-01"])
]
Literals = Annotated[list[Annotated[Text, Field(max_length=400)]], Field(max_length=20, examples=[["2天"]])]


class SetsQuery(PageQuery):
    sort: Literal["name", "-name", "created_at", "-created_at"] = "name"


class QuestionsQuery(PageQuery):
    state: QuestionState | None = None
    sort: Literal["number", "-number"] = "number"


class EvaluationsQuery(PageQuery):
    set_id: UUID | None = None
    sort: Literal["-created_at", "created_at"] = "-created_at"


class RowsQuery(PageQuery):
    failing: Annotated[bool, Field(description="only what somebody should look at")] = False
    sort: Literal["position"] = "position"


class CompareQuery(Schema):
    before: Annotated[UUID, Field(alias="with", description="the earlier evaluation")]


class SetNew(Body):
    name: Name


class SetChange(Body):
    """What is left out stays as it is."""

    name: Name | None = None
    state: SetState | None = None


class Threshold(Body):
    """One demand. ``confident``: the whole 95 % interval has to keep it. Shares are 0..1, times milliseconds."""

    metric: Annotated[str, Field(max_length=40, examples=["recall@5"])]
    at_least: Annotated[float | None, Field(examples=[0.9])] = None
    at_most: Annotated[float | None, Field(examples=[None])] = None
    confident: bool = False


class Thresholds(Body):
    thresholds: Annotated[list[Threshold], Field(max_length=20)]


class Synthesise(Body):
    target: Annotated[int, Field(ge=5, le=500)] = 40
    set_id: UUID | None = None
    use_chat: Annotated[bool | None, Field(description="null: where a chat endpoint is configured")] = None


class QuestionNew(Body):
    """``chunk_ids`` are passages that answer it; ``evidence`` names places instead."""

    question: Asked
    evidence: Annotated[list[Place], Field(max_length=20)] = []
    chunk_ids: Annotated[list[UUID], Field(max_length=20, examples=[[]])] = []
    must_contain: Literals = []
    answerable: bool = True
    type: Annotated[str, Field(max_length=20, pattern=VISIBLE, examples=["number"])] = ""
    date: AsOf = None


class QuestionChange(Body):
    question: Asked
    evidence: Annotated[list[Place], Field(max_length=20)] = []
    must_contain: Literals = []
    answerable: bool = True
    date: AsOf = None


class Review(Body):
    questions: Annotated[list[UUID], Field(min_length=1, max_length=500)]
    state: QuestionState
    note: Annotated[str, Field(max_length=300, pattern=VISIBLE, examples=[""])] = ""


class Evaluate(Body):
    """``index_id`` measures another generation of the index, ``retrieval`` other settings than the collection's."""

    mode: Literal["extractive", "generative"] = "extractive"
    index_id: UUID | None = None
    retrieval: Annotated[Free | None, Field(examples=[None])] = None
    day: datetime.date | None = None


class VerdictAsk(Body):
    """What is judged: a question with what its answer should have said (``expected``, one wording a line), or the
    passages that answer it. ``answer`` is what was said; left out, the collection is asked now. ``trace_id`` judges
    what somebody was told."""

    question: Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$", examples=["暂存时间最多几天？"])] = ""
    expected: Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$", examples=["不得超过2天"])] = ""
    chunk_ids: Annotated[list[UUID], Field(max_length=5, examples=[[]])] = []
    answerable: bool = True
    answer: Annotated[str | None, Field(max_length=20_000, examples=[None])] = None
    trace_id: Annotated[UUID | None, Field(examples=[None])] = None


class SetOut(Schema):
    id: UUID
    name: str
    kind: Annotated[str, Field(examples=["imported"])]
    state: Annotated[str, Field(examples=["approved"])]
    collection_id: UUID
    thresholds: list[dict[str, Any]]
    questions: Annotated[dict[str, int], Field(examples=[{"proposed": 0, "approved": 40, "rejected": 2}])]
    created_at: datetime.datetime


class QuestionOut(Schema):
    id: UUID
    number: int
    question: str
    evidence: list[str]
    must_contain: list[str]
    answerable: bool
    type: str
    language: str
    date: AsOf
    state: str
    source: Annotated[str, Field(examples=["rules"])]
    documents: list[UUID]
    author: UUID | None
    reviewer: UUID | None
    reviewed_at: datetime.datetime | None
    note: str


class BadLineOut(Schema):
    number: int
    reason: str
    text: str


class ImportedOut(Schema):
    set_id: UUID
    added: int
    renewed: int
    bad: list[BadLineOut]
    unknown_documents: list[str]


class EvaluationOut(Schema):
    """``metrics`` by the names of ``knowledge evaluate``; ``intervals`` are 95 %."""

    id: UUID
    number: int
    set_id: UUID
    run_id: UUID | None
    index_id: UUID | None
    mode: str
    count: int
    metrics: Annotated[Free, Field(examples=[{"recall@5": 0.95}])]
    intervals: Annotated[Free, Field(examples=[{"recall@5": [0.84, 0.99]}])]
    finished_at: datetime.datetime | None
    created_at: datetime.datetime


class GroupOut(Schema):
    """The numbers of a part of the questions."""

    name: str
    count: int
    metrics: Free
    intervals: Free


class EvaluationDetail(EvaluationOut):
    """With its exact configuration, and its parts as far as the caller may see their rows."""

    configuration: Free
    by_document: list[GroupOut]
    by_type: list[GroupOut]
    by_language: list[GroupOut]


class RowOut(Schema):
    """One question of an evaluation: what was found, said and cited."""

    id: UUID
    question_id: UUID
    failed: bool
    values: Free


class DifferenceOut(Schema):
    """``better`` is null where the 95 % interval of the difference holds 0."""

    metric: str
    before: float
    after: float
    difference: float
    low: float
    high: float
    n: int
    better: bool | None


class ChangeOut(Schema):
    part: str
    before: Any
    after: Any


class CompareOut(Schema):
    differences: list[DifferenceOut]
    changed: list[ChangeOut]


class FindingOut(Schema):
    kind: str
    text: str
    document: str
    document_id: str
    version_id: str
    chunk_id: str
    page: int | None
    numbers: Free


class MendOut(Schema):
    """A screen of the portal by name, and the object that it opens."""

    screen: str
    id: str
    query: dict[str, str]


class FaultOut(Schema):
    """The first broken link of the chain, with its proof and the screens that mend it."""

    cause: Annotated[
        Literal["missing", "parse", "chunk", "stale", "retrieve", "rerank", "generate", "fine", "unknown"],
        Field(examples=["chunk"]),
    ]
    sentence: str
    question: str
    answer: str
    expected: list[str]
    findings: list[FindingOut]
    mend: list[MendOut]
