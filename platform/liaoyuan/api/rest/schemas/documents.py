"""Collections, documents, what stands in them, and what is found."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field, SecretStr

from liaoyuan.api.rest.pages import PageQuery
from liaoyuan.api.rest.schemas.base import Body, Free, Group, Name, Search

VersionState = Literal["received", "draft", "in_force", "superseded", "withdrawn", "rejected"]


class CollectionNew(Body):
    name: Annotated[Name, Field(examples=["制度"])]


class CollectionsQuery(PageQuery):
    q: Annotated[Search | None, Field(description="part of the name")] = None
    sort: Literal["name", "-name", "created_at", "-created_at"] = "name"


class DocumentsQuery(PageQuery):
    q: Annotated[Search | None, Field(description="part of the name")] = None
    state: VersionState | None = None
    older: Annotated[
        bool | None, Field(description="only those that an older version of the platform read or cut, or none of them")
    ] = None
    sort: Literal["name", "-name", "created_at", "-created_at"] = "name"


class VersionsQuery(PageQuery):
    sort: Literal["-number", "number"] = "-number"


class ChunksQuery(PageQuery):
    version: Annotated[int | None, Field(ge=1, le=1_000_000, description="number; the newest if left out")] = None
    sort: Literal["ordinal"] = "ordinal"


class BlocksQuery(Schema):
    version: Annotated[int | None, Field(ge=1, le=1_000_000, description="number; the newest if left out")] = None
    page: Annotated[int | None, Field(ge=1, le=1_000_000, description="only the blocks of this page")] = None
    cursor: Annotated[str, Field(max_length=600, description="`next` of the page before")] = ""
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class CollectionOut(Schema):
    id: UUID
    name: Annotated[str, Field(examples=["制度"])]
    created_at: datetime


class CollectionDetail(CollectionOut):
    """A collection with what the caller may see of it."""

    documents: Annotated[int, Field(description="documents that the caller may read")]
    states: Annotated[dict[str, int], Field(examples=[{"in_force": 12, "rejected": 1}])]
    chunks: int
    size: Annotated[int, Field(description="bytes of all readable versions")]
    older: Annotated[int, Field(description="documents that an older version of the platform read or cut")]


class DocumentOut(Schema):
    """The newest version of a document that the caller may read."""

    id: UUID
    name: Annotated[str, Field(examples=["手卫生管理规定"])]
    collection_id: UUID
    version_id: UUID
    number: int
    version: Annotated[str, Field(examples=["2026-01-01"], description="effective date, or number")]
    title: str
    state: Annotated[str, Field(examples=["in_force"])]
    pages: int
    chunks: int
    size: int
    groups: list[str]
    flags: list[str]
    older: Annotated[bool, Field(description="an older version of the platform read or cut it")]
    effective_from: date | None
    error: Annotated[Free, Field(examples=[{}])]
    created_at: datetime


class VersionOut(Schema):
    """One content of a document. In a search counts the half-open time of validity, open where null."""

    id: UUID
    document_id: UUID
    number: int
    version: str
    file_name: str
    title: str
    sha256: str
    size: int
    media_type: str
    state: str
    effective_from: date | None
    effective_to: date | None
    groups: list[str]
    flags: list[str]
    pages: int
    blocks: int
    chunks: int
    error: Annotated[Free, Field(examples=[{}])]
    created_at: datetime
    indexed_at: datetime | None


class BlockOut(Schema):
    """One parsed element. ``box`` is x0, y0, x1, y1 in points from the top left of the page."""

    number: int
    type: Annotated[str, Field(examples=["paragraph"])]
    text: str
    page: int | None
    box: list[float] | None
    level: int | None
    locator: str
    heading_path: list[str]
    table: list[list[str]] | None
    ocr: bool


class ChunkOut(Schema):
    """What is embedded, found and cited. One that is not enabled is found by no question."""

    id: UUID
    ordinal: int
    sub_ordinal: Annotated[int, Field(description="pieces of one parsed chunk share its ordinal")]
    kind: str
    title: str
    heading_path: list[str]
    locator: str
    text: str
    page: int | None
    box: list[float] | None
    enabled: bool
    origin: Annotated[str, Field(examples=["parsed"], description="parsed, edited or added")]


class Erasure(Schema):
    """What went, and what still descends from it and must be dealt with by its own stage."""

    document_id: UUID
    versions: int
    chunks: int
    descendants: list["Descendant"]


class Descendant(Schema):
    kind: Annotated[str, Field(examples=["dataset_version"])]
    id: UUID


class Retrieve(Body):
    """Search inside the caller's rights. ``day`` asks as of that date."""

    query: Annotated[
        str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*$", examples=["速干手消毒剂的有效期？"])
    ]
    k: Annotated[int, Field(ge=1, le=50)] = 10
    day: Annotated[date | None, Field(examples=[None])] = None


class Hit(Schema):
    """One found chunk, with the way to its place: document, version, page, box."""

    chunk_id: UUID
    document_id: UUID
    document: str
    version_id: UUID
    version: str
    title: str
    heading_path: list[str]
    locator: str
    page: int | None
    box: list[float] | None
    quote: Annotated[str, Field(description="the chunk's text")]
    score: float
    cosine: float


class Found(Schema):
    """Chunks, best first; ``timings`` are seconds by step."""

    hits: list[Hit]
    timings: Annotated[dict[str, float], Field(examples=[{"embed": 0.02, "retrieve": 0.01, "rerank": 0.001}])]


class DocumentsChosen(Body):
    """Documents of one collection."""

    documents: Annotated[list[UUID], Field(min_length=1, max_length=500)]


class PasswordGiven(Body):
    """The password of a protected file: used once, in the confinement that reads files, and kept nowhere."""

    password: Annotated[SecretStr, Field(min_length=1, max_length=255, examples=["p2026-Quarter3"])]


class GroupsNew(Body):
    """Only these groups may read it; an empty list means everybody."""

    groups: Annotated[list[Group], Field(max_length=20)]
