"""Solutions, runs, capacity."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from liaoyuan.api.rest.pages import PageQuery
from liaoyuan.api.rest.schemas.base import Body, Free, Key, Name, Note, Search

Stage = Literal[
    "compute", "data", "training", "deployment", "security", "operations", "ingest", "evaluate", "reindex", "sync"
]
State = Literal[
    "waiting", "queued", "running", "cancelling", "succeeded", "failed", "errored", "cancelled", "dead"
]  # fmt: skip
Newest = Literal["-created_at", "created_at"]


class SolutionNew(Body):
    """What to make: one scenario of one industry, over one collection of documents."""

    name: Name
    industry: Key
    scenario: Annotated[Key, Field(examples=["guideline-qa"])]
    collection_id: UUID | None = None


class SolutionDraft(Body):
    """What is planned, before anything is made."""

    industry: Key
    scenario: Annotated[Key, Field(examples=["guideline-qa"])]
    collection_id: UUID | None = None


class SolutionChange(Body):
    """What is left out stays."""

    name: Name | None = None
    archived: Annotated[bool | None, Field(examples=[False])] = None


class SolutionsQuery(PageQuery):
    archived: Annotated[bool, Field(description="only those that were archived")] = False
    industry: Key | None = None
    scenario: Key | None = None
    q: Annotated[Search | None, Field(description="part of the name")] = None
    sort: Literal["-created_at", "created_at", "name", "-name"] = "-created_at"


class RunsQuery(PageQuery):
    stage: Stage | None = None
    state: State | None = None
    wait: Annotated[
        Literal["approval", "dependency", "queue", "no worker", "quota", "engine", "retry"] | None,
        Field(description="why it waits; `approval`: somebody must decide"),
    ] = None
    solution_id: UUID | None = None
    pipeline_id: UUID | None = None
    sort: Newest = "-created_at"


class Newer(PageQuery):
    """A list by time alone."""

    sort: Newest = "-created_at"


class RunNote(Body):
    """Why somebody approved."""

    note: Note = ""


class Wait(Schema):
    """Why a run waits, and when that should end; ``until`` null where nobody can tell."""

    kind: Annotated[str, Field(examples=["approval"])]
    reason: Annotated[str, Field(examples=["approval by an owner"])]
    until: datetime | None


class RunOut(Schema):
    """One run of one stage. ``progress`` is 0..1, ``expected_seconds`` is learnt from earlier runs."""

    id: UUID
    stage: Annotated[str, Field(examples=["training"])]
    state: Annotated[str, Field(examples=["running"])]
    queue: Annotated[str, Field(examples=["train"])]
    solution_id: UUID | None
    pipeline_id: UUID | None
    position: int
    attempt: int
    max_attempts: int
    progress: Annotated[float, Field(examples=[0.42])]
    message: Annotated[str, Field(examples=["step 84/200, loss 1.61"])]
    wait: Annotated[Wait | None, Field(examples=[None])]
    eta: datetime | None
    expected_seconds: float
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    summary: str
    result: Free
    error: Annotated[Free, Field(examples=[{}])]


class SolutionOut(Schema):
    """One organization's instance of a scenario."""

    id: UUID
    name: Annotated[str, Field(examples=["手卫生问答"])]
    industry: Annotated[str, Field(examples=["medical"])]
    scenario: Annotated[str, Field(examples=["guideline-qa"])]
    collection_id: UUID | None
    created_at: datetime
    archived_at: Annotated[datetime | None, Field(examples=[None])]


class BoardOut(SolutionOut):
    """A solution with its newest pass through the six stages; ``pipeline`` null before the first."""

    pipeline: int | None
    pipeline_id: UUID | None
    route: Annotated[str | None, Field(description="the `model` of /v1/chat/completions")]
    stages: list[RunOut]


class PipelineOut(Schema):
    """One pass of a solution through the six stages."""

    id: UUID
    solution_id: UUID
    number: int
    created_at: datetime
    finished_at: datetime | None


class Started(Schema):
    """What was accepted. ``runs`` are the rows to follow; the first stands in the Location header."""

    pipeline_id: UUID | None
    runs: list[RunOut]


class Reached(Schema):
    """The state that a run reached."""

    state: Annotated[str, Field(examples=["queued"])]


class Cancelled(Schema):
    """How many runs were cancelled, or asked to stop."""

    runs: int


class ArtifactOut(Schema):
    """Something immutable that a run made; its own endpoint tells more where there is one."""

    id: UUID
    kind: Annotated[str, Field(examples=["dataset_version"])]
    name: str
    sha256: str
    size: int
    meta: Free
    run_id: UUID | None
    created_at: datetime


class EventOut(Schema):
    """One thing that happened to a run. ``seq`` grows; it is the id of the event in the stream."""

    seq: int
    run_id: UUID
    kind: Annotated[str, Field(examples=["progress"])]
    at: datetime
    data: Free


class EventsQuery(PageQuery):
    sort: Literal["seq", "-seq"] = "seq"


class StageEstimateOut(Schema):
    """Seconds expected of one stage; ``runs`` of the organization's own past runs stand behind it."""

    stage: Annotated[str, Field(examples=["training"])]
    seconds: float
    runs: int


class FitOut(Schema):
    """Whether the work fits on the machine: bytes by part, and what would help where it does not."""

    training: dict[str, int]
    serving: dict[str, int]
    needed_bytes: int
    available_bytes: int
    fits: bool
    advice: list[str]


class MachineOut(Schema):
    """What this machine has, as its control group allows."""

    cores: float
    memory_bytes: int
    memory_free_bytes: int
    disk_free_bytes: int
    cpu_model: str
    cpu_features: list[str]
    accelerators: list[Any]


class PlanOut(Schema):
    """Time, cost and memory of one pass, before it begins. ``cost`` is in ``currency``."""

    engine: Annotated[str, Field(examples=["embedded"])]
    fits: bool
    seconds: Annotated[float, Field(examples=[222.0])]
    cost: float
    currency: Annotated[str, Field(examples=["CNY"])]
    stages: list[StageEstimateOut]
    fit: FitOut
    machine: MachineOut
    documents: Annotated[list[Free], Field(description="kinds of document that the scenario asks for")]


class CapacityPlanOut(Schema):
    """The plan that one pass was given."""

    id: UUID
    solution_id: UUID
    engine: Annotated[str, Field(examples=["embedded"])]
    fits: bool
    seconds: float
    cost: float
    currency: Annotated[str, Field(examples=["CNY"])]
    body: Free
    created_at: datetime
