"""What a person has on their desk: notices, conversations, files on their way in."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from liaoyuan.api.rest.pages import PageQuery
from liaoyuan.api.rest.schemas.base import VISIBLE, Body, Free, Group, Search


class NoticesQuery(Schema):
    before: Annotated[int | None, Field(ge=1, le=2**62, description="`next` of the page before")] = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class NoticeOut(Schema):
    """One event that the reader may act on, or the end of what they asked for."""

    seq: int
    need: Annotated[str, Field(examples=["approval"], description="approval, failed, quota or done")]
    unread: bool
    run_id: UUID
    stage: Annotated[str, Field(examples=["deployment"])]
    solution_id: UUID | None
    solution: str
    at: datetime
    data: Free


class NoticesOut(Schema):
    items: list[NoticeOut]
    unread: Annotated[int, Field(description="new to the reader, at most 100")]
    next: Annotated[int | None, Field(description="`before` of the next page")]


class ReadUpTo(Body):
    seq: Annotated[int, Field(ge=1, le=2**62)]


class ConversationsQuery(PageQuery):
    q: Annotated[Search | None, Field(description="part of a title, a question or an answer")] = None
    sort: Literal["-touched_at", "touched_at"] = "-touched_at"


class ConversationOut(Schema):
    """One person's questions to one solution. Nobody else sees it, whatever their role."""

    id: UUID
    solution_id: UUID
    title: str
    created_at: datetime
    touched_at: datetime


class TurnOut(Schema):
    """One question and what became of it."""

    id: UUID
    question: str
    state: Annotated[str, Field(examples=["answered"])]
    answer: Free
    error: Annotated[Free, Field(examples=[{}])]
    trace_id: UUID | None
    created_at: datetime


class ConversationDetail(ConversationOut):
    turns: list[TurnOut]


class UploadNew(Body):
    """A file that is about to be sent in parts; the same one again (name, size, time) goes on where it was."""

    batch: Annotated[UUID, Field(description="chosen by the caller; all its files are imported together")]
    name: Annotated[str, Field(min_length=1, max_length=255, pattern=VISIBLE, examples=["制度/手卫生管理规定.pdf"])]
    size: Annotated[int, Field(ge=1, le=1 << 40)]
    modified: Annotated[int, Field(ge=0, le=2**53, description="milliseconds since 1970")] = 0


class UploadOut(Schema):
    """``received`` bytes are here: the next part begins there. A part has at most 8 MiB."""

    id: UUID
    batch: UUID
    name: str
    size: int
    received: int
    complete: bool


class ImportNew(Body):
    """Import the whole files of a batch; ``groups`` limits who may read them."""

    batch: UUID
    groups: Annotated[list[Group], Field(max_length=50)] = []
