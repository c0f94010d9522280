"""Chunks as people change them: what is sent, what comes back, who did what."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Schema
from pydantic import Field, StringConstraints

from liaoyuan.api.rest.pages import PageQuery
from liaoyuan.api.rest.schemas.base import Body
from liaoyuan.api.rest.schemas.documents import ChunkOut
from liaoyuan.knowledge.services.editing import LONGEST_TEXT

ChunkText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_TEXT, pattern=r"^[^\x00]*$"),
    Field(examples=["第三条 医疗废物暂时贮存的时间不得超过48小时。"]),
]


class ChunkDetail(ChunkOut):
    """A chunk with what a person made of it. ``parsed`` is what was read where it stands now."""

    document_id: UUID
    version_id: UUID
    index_id: UUID
    tag: Annotated[str, Field(examples=["9f2c41d07ab35e68"], description="the ETag: send it as If-Match")]
    edited_by: Annotated[str, Field(examples=["李伟"], description="empty where nobody changed it")]
    edited_at: datetime | None
    parsed: list[str]
    literal: Annotated[
        list[list[int]],
        Field(examples=[[[0, 14]]], description="start and end of what stands word for word in the document"),
    ]


class ChunkChange(Body):
    """Give one or both. A chunk that is not enabled is found by no question."""

    text: ChunkText | None = None
    enabled: Annotated[bool | None, Field(examples=[None])] = None


class ChunkSplit(Body):
    """The second chunk begins at this character of the text, counted from 0."""

    position: Annotated[int, Field(ge=1, le=LONGEST_TEXT, examples=[12])]


class ChunkNew(Body):
    """A chunk of a person's own words."""

    text: ChunkText


class ChunksChanged(Schema):
    """What stands in the place of the chunk now, in reading order."""

    chunks: list[ChunkDetail]


class EditsQuery(PageQuery):
    sort: Annotated[str, Field(pattern="^-created_at$", description="newest first")] = "-created_at"


class EditOut(Schema):
    """One change by one person; ``before`` and ``after`` list the chunks that it changed."""

    id: UUID
    created_at: datetime
    action: Annotated[str, Field(examples=["edit"])]
    author: Annotated[str, Field(examples=["李伟"])]
    index_number: int
    before: list[dict[str, Any]]
    after: list[dict[str, Any]]


class LostEditOut(Schema):
    """An edit that could not be carried. ``near`` is the chunk that stands at its place now, null where none does."""

    id: UUID
    reason: Annotated[str, Field(examples=["conflict"], description="gone, conflict, facts, cut or long")]
    author: Annotated[str, Field(examples=["李伟"])]
    at: datetime
    before: str
    after: str
    disabled: bool
    page: int | None
    locator: str
    heading_path: list[str]
    near: UUID | None


class LostEdits(Schema):
    items: list[LostEditOut]


class PreviewQuery(Schema):
    target: Annotated[int, Field(ge=40, le=4000, description="prose is packed to about this many tokens")] = 220
    limit: Annotated[int, Field(ge=0, le=8000, description="most tokens a chunk; 0: what the model reads")] = 0
    version: Annotated[int | None, Field(ge=1, le=1_000_000, description="number; the newest if left out")] = None
    first: Annotated[int, Field(ge=0, le=500, description="how many of the chunks to show")] = 50


class SizesOut(Schema):
    chunks: int
    mean: int
    longest: int
    tokens: int


class BinOut(Schema):
    """How many chunks have ``start`` to below ``end`` tokens."""

    start: int
    end: int
    now: int
    then: int


class DraftOut(Schema):
    """A chunk as it would be."""

    kind: str
    heading_path: list[str]
    locator: str
    text: str
    page: int | None
    box: list[float] | None
    tokens: int
    enabled: bool
    origin: Annotated[str, Field(examples=["parsed"])]


class PreviewOut(Schema):
    """``kept`` and ``lost`` count the edits of people under these settings."""

    version_id: UUID
    embedder: Annotated[str, Field(examples=["multilingual-e5-small"])]
    target: int
    limit: int
    now: SizesOut
    then: SizesOut
    bins: list[BinOut]
    kept: int
    lost: int
    chunks: list[DraftOut]
