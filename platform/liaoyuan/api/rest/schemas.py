"""What callers may send to ``/api/v1``, and the shape of what they get. An unknown field is refused, never ignored."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import validate_email
from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from liaoyuan.accounts.models import Role

# No control characters: names are shown on pages, in logs and in file names.
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Key = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[a-z0-9_-]+$")]
Group = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]


def _email(value: str) -> str:
    try:
        validate_email(value)
    except DjangoValidationError as error:
        raise ValueError(" ".join(error.messages)) from error
    return value.lower()


Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=254), AfterValidator(_email)]


class Body(Schema):
    """Base of every body that is sent to us."""

    model_config = ConfigDict(extra="forbid")


class SolutionNew(Body):
    name: Name
    industry: Key
    scenario: Key
    collection_id: UUID | None = None


class RunNote(Body):
    """Why somebody approved."""

    note: Annotated[str, Field(max_length=300)] = ""


class CollectionNew(Body):
    name: Name


class Question(Body):
    question: Annotated[str, Field(min_length=1, max_length=2000)]
    mode: Literal["extractive", "generative"] | None = None


class Verdict(Body):
    helpful: bool
    reason: Annotated[str, Field(max_length=20)] = ""
    comment: Annotated[str, Field(max_length=2000)] = ""


class InvitationNew(Body):
    email: Email
    role: Role
    groups: Annotated[list[Group], Field(max_length=50)] = []


class InvitationAnswer(Body):
    token: Annotated[str, Field(min_length=20, max_length=200)]
    password: Annotated[str, Field(max_length=200)] = ""
    name: Annotated[str, Field(max_length=120)] = ""


class KeyNew(Body):
    name: Name
    scopes: Annotated[list[str], Field(min_length=1, max_length=60)]
    days: Annotated[int, Field(ge=1, le=365)] = 90


class Wait(Schema):
    """Why a run waits, and when that should end; ``until`` null where nobody can tell."""

    kind: str
    reason: str
    until: datetime | None


class RunOut(Schema):
    """One run of one stage. ``progress`` is 0..1, ``expected_seconds`` is learnt from earlier runs."""

    id: UUID
    stage: str
    state: str
    queue: str
    solution_id: UUID | None
    pipeline_id: UUID | None
    position: int
    attempt: int
    max_attempts: int
    progress: float
    message: str
    wait: Wait | None
    eta: datetime | None
    expected_seconds: float
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    summary: str
    result: dict[str, Any]
    error: dict[str, Any]


class SolutionOut(Schema):
    id: UUID
    name: str
    industry: str
    scenario: str
    collection_id: UUID | None
    created_at: datetime


class BoardOut(SolutionOut):
    """A solution with its newest pass through the six stages; ``pipeline`` null before the first."""

    pipeline: int | None
    pipeline_id: UUID | None
    route: str | None
    stages: list[RunOut]


class Started(Schema):
    """What was accepted. ``runs`` are the rows to follow; the first stands in the Location header."""

    pipeline_id: UUID | None
    runs: list[RunOut]


class State(Schema):
    state: str


class CollectionOut(Schema):
    id: UUID
    name: str
    created_at: datetime


class DocumentOut(Schema):
    """The newest version of a document that the caller may read."""

    id: UUID
    name: str
    version_id: UUID
    version: str
    title: str
    state: str
    pages: int
    chunks: int
    size: int
    groups: list[str]
    flags: list[str]
    effective_from: date | None
    error: dict[str, Any]


class AnswerOut(Schema):
    trace_id: UUID
    answer: str
    abstained: bool
    mode: str
    model: str
    fell_back: bool
    citations: list[dict[str, Any]]
    nearest: list[dict[str, Any]]
    escalation: str
    disclaimer: str
    seconds: float


class MemberOut(Schema):
    id: UUID
    email: str
    name: str
    role: str
    groups: list[str]
    disabled_at: datetime | None


class KeyOut(Schema):
    id: UUID
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class KeyMade(KeyOut):
    """``key`` is shown this once."""

    key: str
