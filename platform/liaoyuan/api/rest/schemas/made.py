"""What the stages make: datasets, models, bundles, deployments, reports."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from liaoyuan.api.rest.pages import PageQuery
from liaoyuan.api.rest.schemas.base import Body, Free, Key, Search

Newest = Literal["-created_at", "created_at"]


class DatasetsQuery(PageQuery):
    q: Annotated[Search | None, Field(description="part of the name")] = None
    sort: Literal["name", "-name", "-created_at", "created_at"] = "-created_at"


class DatasetVersionsQuery(PageQuery):
    dataset_id: UUID | None = None
    sort: Newest = "-created_at"


class SplitQuery(Schema):
    """Rows of a file, in its order."""

    split: Literal["train", "eval", "gate"] | None = None
    cursor: Annotated[str, Field(max_length=600, description="`next` of the page before")] = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class DropsQuery(Schema):
    operator: Annotated[str | None, Field(max_length=60, pattern=r"^[a-z0-9_-]+$")] = None
    cursor: Annotated[str, Field(max_length=600, description="`next` of the page before")] = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class DatasetOut(Schema):
    id: UUID
    name: str
    created_at: datetime


class DatasetVersionOut(Schema):
    """One immutable set of samples. ``groups``: whoever may not read all documents behind it may not see it."""

    id: UUID
    dataset_id: UUID
    name: str
    number: int
    sha256: str
    counts: Annotated[dict[str, int], Field(examples=[{"train": 80, "eval": 20, "gate": 30, "documents": 4}])]
    groups: list[str]
    created_at: datetime


class DatasetVersionDetail(DatasetVersionOut):
    """With the recipe that made it, and what each operator kept and dropped."""

    recipe: Free
    trace: list[Free]


class Rows(Schema):
    """One page of a file's rows; ``withheld`` were left out because the caller may not read their document."""

    items: list[Free]
    withheld: int
    next: str | None


class DataRun(Body):
    """Curate a collection again by the solution's recipe."""

    solution_id: UUID


class TrainingNew(Body):
    """Train on a dataset version; ``recipe`` is one of GET /training-recipes."""

    dataset_version_id: UUID
    recipe: Annotated[Key, Field(examples=["quick"])] = "default"
    seed: Annotated[int | None, Field(ge=0, le=2**31 - 1)] = None


class TrainingRunsQuery(PageQuery):
    dataset_version_id: UUID | None = None
    sort: Newest = "-created_at"


class TrainingRunOut(Schema):
    """One finished training. ``model_version_id`` is null where retrieval alone won."""

    id: UUID
    run_id: UUID
    base_id: UUID
    base: str
    dataset_version_id: UUID
    model_version_id: UUID | None
    seconds: float
    tokens: int
    tokens_per_second: float
    peak_memory_mb: float
    created_at: datetime


class TrainingRunDetail(TrainingRunOut):
    """With every loss, the evaluation against the base, and the parity with the server."""

    recipe: Free
    report: Free
    parity: Free


class RecipeOut(Schema):
    """One way to train."""

    name: Annotated[str, Field(examples=["quick"])]
    body: Free


class BaseModelOut(Schema):
    """Weights that this installation can train on and serve."""

    id: UUID
    name: str
    sha256: str
    licence: str
    parameters: int
    context_length: int
    languages: list[str]


class ModelVersionOut(Schema):
    """An adapter that is better than its base and is served as it was trained."""

    id: UUID
    name: str
    base_id: UUID
    base: str
    dataset_version_id: UUID
    adapter_sha256: str
    metrics: Free
    parity: Free
    groups: list[str]
    created_at: datetime


class OfSolution(PageQuery):
    solution_id: UUID | None = None
    sort: Newest = "-created_at"


class DeploymentsQuery(OfSolution):
    state: Literal["live", "retired"] | None = None


class Gate(Schema):
    """One measurement against its threshold."""

    name: Annotated[str, Field(examples=["recall"])]
    metric: Annotated[str, Field(examples=["recall@5"])]
    value: Annotated[float | None, Field(examples=[0.93])]
    threshold: Annotated[float | None, Field(examples=[0.8])]
    passed: bool
    detail: Free


class GateReportOut(Schema):
    """Every gate of one bundle."""

    id: UUID
    bundle_id: UUID
    passed: bool
    source: str
    questions: int
    gates: list[Gate]
    metrics: Free
    created_at: datetime


class BundleOut(Schema):
    """What goes live and is rolled back as one."""

    id: UUID
    solution_id: UUID
    number: int
    collection_id: UUID
    model_version_id: UUID | None
    model: str
    industry: str
    scenario: str
    sha256: str
    groups: list[str]
    created_at: datetime


class BundleDetail(BundleOut):
    """With everything that it fixes, and its newest gate report."""

    body: Free
    report: GateReportOut | None


class DeploymentOut(Schema):
    """A bundle that a named person let go live."""

    id: UUID
    bundle_id: UUID
    bundle_number: int
    solution_id: UUID
    state: Annotated[str, Field(examples=["live"])]
    approved_by: UUID
    approved_at: datetime
    note: str
    retired_at: datetime | None
    created_at: datetime


class TargetOut(Schema):
    deployment_id: UUID
    bundle_number: int
    weight: Annotated[int, Field(examples=[100], description="per cent of the questions")]


class RouteOut(Schema):
    """The name by which callers reach a solution, and who answers behind it."""

    id: UUID
    name: Annotated[str, Field(examples=["hand-hygiene"])]
    solution_id: UUID
    targets: list[TargetOut]
    created_at: datetime


class Weight(Body):
    """Give one deployment this share of the questions; the others share the rest in their proportion."""

    deployment_id: UUID
    weight: Annotated[int, Field(ge=1, le=100, examples=[10])]


class ReportsQuery(PageQuery):
    solution_id: UUID | None = None
    deployment_id: UUID | None = None
    passed: bool | None = None
    sort: Newest = "-created_at"


class ReportOut(Schema):
    """A compliance report: the controls of one deployment at one time."""

    id: UUID
    solution_id: UUID
    deployment_id: UUID
    run_id: UUID
    attempt: int
    passed: bool
    controls: int
    failed: list[str]
    created_at: datetime


class ControlOut(Schema):
    """What was measured against what; the evidence holds counts and ids, never text."""

    control: str
    check: str
    title: str
    source: str
    value: float
    threshold: float
    direction: Annotated[str, Field(examples=["at_least"])]
    passed: bool
    seconds: float
    evidence: Free


class PolicyOut(Schema):
    """The guardrail policy that was in force, by the digest of everything that decides."""

    id: UUID
    industry: str
    scenario: str
    version: str
    sha256: str


class ReportDetail(ReportOut):
    policy: PolicyOut
    results: list[ControlOut]
