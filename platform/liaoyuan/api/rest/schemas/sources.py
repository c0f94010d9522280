"""Sources that a collection follows, and what people decide about versions."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from liaoyuan.api.rest.pages import PageQuery
from liaoyuan.api.rest.schemas.base import Body, Free, Group, Name, Search

Gone = Literal["end", "erase", "keep"]
Minutes = Literal[0, 15, 60, 360, 1440, 10080]


class FolderRule(Schema):
    folder: Annotated[str, Field(max_length=1000, examples=["财务/工资"])]
    groups: Annotated[list[Group], Field(max_length=20)]


class SourceNew(Body):
    """``settings`` by kind: folder {root, path, owner_groups}, s3 {endpoint, bucket, region, path, addressing}, web
    {urls}. ``credentials`` {access_key, secret_key} are stored encrypted and never given back."""

    name: Annotated[Name, Field(examples=["共享盘"])]
    kind: Literal["folder", "s3", "web"]
    settings: Annotated[dict[str, Any], Field(examples=[{"root": "/srv/docs", "path": "制度"}])]
    credentials: Annotated[dict[str, str] | None, Field(examples=[None])] = None
    groups: Annotated[list[Group], Field(max_length=20)] = Field(default_factory=list)
    group_map: Annotated[list[FolderRule], Field(max_length=500)] = Field(default_factory=list)
    gone: Annotated[Gone, Field(description="what becomes of a document that was deleted at its source")] = "end"
    as_draft: Annotated[bool, Field(description="new versions wait for a person")] = False
    every_minutes: Annotated[Minutes, Field(description="0: only when asked")] = 0


class SourceKey(Body):
    """Stored encrypted and never given back."""

    access_key: Annotated[str, Field(min_length=1, max_length=200, examples=["AKIAIOSFODNN7EXAMPLE"])]
    secret_key: Annotated[str, Field(min_length=1, max_length=400, examples=["wJalrXUtnFEMI/K7MDENG"])]


class SourceOut(Schema):
    """A source without its credentials."""

    id: UUID
    collection_id: UUID
    name: str
    kind: Annotated[str, Field(examples=["folder"])]
    settings: Annotated[Free, Field(examples=[{"root": "/srv/docs", "path": "制度"}])]
    groups: list[str]
    group_map: Annotated[list[Free], Field(examples=[[{"folder": "财务", "groups": ["财务部"]}]])]
    gone: str
    as_draft: bool
    every_minutes: int
    state: Annotated[str, Field(examples=["active"])]
    held: Annotated[int, Field(description="endings that wait for a person")]
    due_at: datetime | None
    last_run_id: UUID | None
    last_run_at: datetime | None
    counts: Annotated[Free, Field(examples=[{"read": 12, "unchanged": 300}])]
    error: Annotated[Free, Field(examples=[{}])]
    created_at: datetime


class SourceReached(Schema):
    """The place can be read; ``names`` are the first of what lies there."""

    zh: str
    en: str
    names: list[str]


class SourcePreview(Schema):
    """What a synchronization would change; nothing was."""

    counts: Annotated[dict[str, int], Field(examples=[{"new": 3, "changed": 1, "gone": 2}])]
    names: Annotated[dict[str, list[str]], Field(examples=[{"new": ["制度/值班.md"]}])]
    whole: bool
    needs_confirmation: bool


class ItemsQuery(PageQuery):
    state: Literal["pending", "ready", "failed", "skipped", "gone"] | None = None
    q: Annotated[Search | None, Field(description="part of the key")] = None
    sort: Literal["key", "-key"] = "key"


class ItemOut(Schema):
    """One file, object or page of a source."""

    id: UUID
    key: str
    state: str
    size: int
    modified: datetime | None
    sha256: str
    groups: list[str]
    documents: list[UUID]
    versions: list[UUID]
    error: Annotated[Free, Field(examples=[{}])]
    synced_at: datetime | None


class SourceSync(Body):
    """``confirm``: a person agrees to the endings that the last run held back. ``retry``: read again what failed."""

    confirm: bool = False
    retry: bool = False


class SourcePause(Body):
    paused: bool


class SourceEnd(Schema):
    documents: Annotated[Gone, Field(description="what becomes of its documents")] = "keep"


class SourceRemoved(Schema):
    items: int


class VersionDecision(Body):
    """``in_force`` from ``day`` (today if left out) until ``until``; ``days``: other days; ``withdraw`` from ``day``,
    with ``previous`` the version before takes its days. ``only_tell`` changes nothing."""

    decision: Literal["in_force", "days", "withdraw"]
    day: Annotated[date | None, Field(examples=["2026-01-01"])] = None
    until: Annotated[date | None, Field(examples=[None])] = None
    previous: bool = False
    only_tell: bool = False


class Days(Schema):
    """Half-open, open where null."""

    effective_from: date | None
    effective_to: date | None


class DaysChanged(Schema):
    version_id: UUID
    version: str
    before: Days
    after: Days


class Decided(Schema):
    """What the decision does to every version of the document, and the days left without any."""

    changes: list[DaysChanged]
    gaps: list[Days]


class DiffQuery(Schema):
    against: Annotated[UUID | None, Field(description="the older version; the one before if left out")] = None
    same: Annotated[bool, Field(description="also what did not change")] = False
    cursor: Annotated[str, Field(max_length=600, description="`next` of the page before")] = ""
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class DiffPart(Schema):
    kind: Annotated[str, Field(examples=["removed"])]
    text: str


class DiffCell(Schema):
    kind: str
    parts: list[DiffPart]


class DiffRow(Schema):
    kind: str
    number: int
    cells: list[DiffCell]


class DiffSide(Schema):
    block: int
    type: str
    text: str
    page: int | None
    locator: str
    heading_path: list[str]


class DiffChange(Schema):
    """One block: ``same``, ``changed``, ``added``, ``removed`` or ``moved``; words and cells where it changed."""

    kind: Annotated[str, Field(examples=["changed"])]
    before: DiffSide | None
    after: DiffSide | None
    parts: Annotated[
        list[DiffPart], Field(examples=[[{"kind": "removed", "text": "两"}, {"kind": "added", "text": "三"}]])
    ]
    rows: Annotated[list[DiffRow], Field(examples=[[]])]
