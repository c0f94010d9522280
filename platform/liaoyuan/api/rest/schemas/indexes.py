"""A collection's settings, the generations of its index, and the files on their way into it."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field

from liaoyuan.api.rest.schemas.base import Body, Free
from liaoyuan.knowledge.models import IndexState
from liaoyuan.knowledge.settings import CollectionSettings, RetrievalSettings
from liaoyuan.knowledge.waiting.models import ItemState


class EmbedderOut(Schema):
    """An embedding model that collections may choose."""

    name: Annotated[str, Field(examples=["multilingual-e5-small"])]
    dimensions: Annotated[int, Field(examples=[384])]
    token_limit: Annotated[int, Field(examples=[512], description="tokens that it reads at once")]


class SettingsOut(Schema):
    """Everything that a collection was told, and how long another index would take."""

    settings: CollectionSettings
    rebuild_seconds: Annotated[float, Field(description="expected, learned from earlier builds and imports")]


class SearchNew(Body):
    """How a collection is searched; it counts from the next question on."""

    retrieval: RetrievalSettings


class RerankerOut(Schema):
    """Who may order what a search found."""

    name: Annotated[str, Field(examples=["fusion"], description="`fusion`, `none`, or one that the operator set up")]


class RankingOut(Schema):
    """The order of a collection's search and how it was learned."""

    weights: Annotated[
        dict[str, float] | None,
        Field(examples=[{"cosine": 4.2, "title": 3.1}], description="null: those that the platform brings"),
    ]
    facts: Annotated[
        Free,
        Field(
            examples=[{"questions": 84, "folds": 5, "generation": 2, "day": "2026-11-22", "metrics": {}}],
            description="of the learning that gave the weights in force; empty for the stock ones",
        ),
    ]
    run_id: Annotated[UUID | None, Field(description="the newest attempt")]
    run_state: str | None
    kept: Annotated[bool | None, Field(description="whether the newest attempt was better; null until it ended well")]
    result: Annotated[Free, Field(examples=[{"kept": False}], description="of the newest attempt")]


class IndexNew(Body):
    """What the new generation is built by. Within ``settings`` what is left out has its default."""

    settings: Annotated[
        CollectionSettings | None,
        Field(description="null: those of today, where documents were read or cut by an older version"),
    ] = None
    swap: Annotated[
        Literal["person", "automatic"],
        Field(description="`automatic` puts it in place by itself when its scores are not worse"),
    ] = "person"


class IndexOut(Schema):
    """One generation of a collection's index."""

    id: UUID
    number: int
    state: Annotated[IndexState, Field(description="exactly one is `live`")]
    embedder: Annotated[str, Field(examples=["multilingual-e5-small"])]
    dimensions: Annotated[int, Field(examples=[384])]
    settings: CollectionSettings
    documents: int
    chunks: int
    behind: Annotated[int, Field(description="documents that came or changed since; taken in before a swap")]
    older: Annotated[int, Field(description="documents in it that an older version of the platform read or cut")]
    edits_lost: Annotated[int, Field(description="edits made by hand that found no place in it")]
    scores: Annotated[
        Free,
        Field(examples=[{"verdict": "same", "questions": 40, "against": 1, "metrics": []}]),
    ]
    run_id: UUID | None
    run_state: str | None
    progress: float | None
    live_at: datetime | None
    freed_at: Annotated[datetime | None, Field(description="when a retired generation's storage is freed")]
    error: Annotated[Free, Field(examples=[{}])]


class IndexSwapped(Schema):
    """``swapped`` false: the run takes in what came since, and swaps then."""

    swapped: bool
    run_id: UUID | None


class IndexDropped(Schema):
    chunks: Annotated[int, Field(description="that were removed with it")]


class FilesQuery(Schema):
    model_config = ConfigDict(extra="forbid")

    state: Annotated[Literal["open", "failed"] | None, Field(description="`open`: in line or in work")] = None
    offset: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class FilePlaceOut(Schema):
    """One file of an import that is not ready: where it stands, and why."""

    id: UUID
    run_id: UUID
    name: Annotated[str, Field(examples=["制度/手卫生规范.pdf"])]
    size: int
    state: ItemState
    code: str
    reason: Annotated[str, Field(examples=["排队中，第 3 位"])]
    position: Annotated[int, Field(description="in its import's line, from 1; 0 when it does not stand in it")]
    until: Annotated[datetime | None, Field(description="when it should be ready; null when nobody can tell")]
    tries: int
    version_id: UUID | None


class FilesOut(Schema):
    """The files on their way into a collection. The list begins at `offset`."""

    queued: int
    working: int
    rejected: int
    cancelled: int
    until: datetime | None
    files: list[FilePlaceOut]


class FilesChosen(Body):
    """Some files, or all that the verb concerns."""

    files: Annotated[list[UUID] | None, Field(max_length=1000, description="null: all of them")] = None


class FilesCancelled(Schema):
    files: int


class FilesRetried(Schema):
    runs: list[UUID]
