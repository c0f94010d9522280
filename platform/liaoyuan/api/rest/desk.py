"""One's own desk: notices, and conversations with solutions."""

from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Router, Status

from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.pages import Page, page
from liaoyuan.api.rest.schemas.desk import (
    ConversationDetail,
    ConversationOut,
    ConversationsQuery,
    NoticeOut,
    NoticesOut,
    NoticesQuery,
    ReadUpTo,
    TurnOut,
)
from liaoyuan.deployment.conversations import conversation_delete, conversation_get, conversations_mine
from liaoyuan.pipeline.notices import Notice, notices, notices_read, unread_count
from liaoyuan.pipeline.selectors import solution_get

router = Router(tags=["people"])


@operation(router, "GET", "/notices", action="run.view", response=NoticesOut)
def notices_list(request: ApiRequest, query: Query[NoticesQuery]) -> NoticesOut:
    """What waits for the caller's decision, and how what they asked for ended; the newest first."""
    found = notices(request.auth, before=query.before, limit=query.limit + 1)
    shown = found[: query.limit]
    return NoticesOut(
        items=[_notice(each) for each in shown],
        unread=unread_count(request.auth),
        next=shown[-1].event.seq if len(found) > query.limit else None,
    )


@operation(router, "POST", "/notices/read", action="run.view", response={204: None}, operation_id="notices_read")
def notices_seen(request: ApiRequest, body: ReadUpTo) -> "Status[None]":
    """Everything up to this event is known now."""
    notices_read(request.auth, upto=body.seq)
    return Status(204, None)


@operation(
    router, "GET", "/solutions/{solution_id}/conversations", action="ask", response=Page[ConversationOut]
)  # fmt: skip
def conversations_list(
    request: ApiRequest, response: HttpResponse, solution_id: UUID, query: Query[ConversationsQuery]
) -> Page[ConversationOut]:
    """One's own conversations with a solution."""
    rows = conversations_mine(solution_get(solution_id).id, query.q or "")
    return page(request, response, query, rows, ConversationOut.from_orm, sort=query.sort)


@operation(
    router,
    "GET",
    "/solutions/{solution_id}/conversations/{conversation_id}",
    action="ask",
    response=ConversationDetail,
)
def conversation_show(request: ApiRequest, solution_id: UUID, conversation_id: UUID) -> ConversationDetail:
    """One of one's own conversations with its questions and answers."""
    found = conversation_get(conversation_id, solution_id)
    shown = ConversationOut.from_orm(found).model_dump()
    return ConversationDetail(
        **shown, turns=[TurnOut.from_orm(turn) for turn in found.turns.order_by("created_at")[:1000]]
    )


@operation(
    router,
    "DELETE",
    "/solutions/{solution_id}/conversations/{conversation_id}",
    action="ask",
    response={204: None},
)
def conversation_end(request: ApiRequest, solution_id: UUID, conversation_id: UUID) -> "Status[None]":
    """Remove one of one's own conversations. The traces of its answers stay in the organization's record."""
    conversation_delete(conversation_id=conversation_id, solution_id=solution_id)
    return Status(204, None)


def _notice(found: Notice) -> NoticeOut:
    run = found.event.run
    return NoticeOut(
        seq=found.event.seq,
        need=found.need,
        unread=found.unread,
        run_id=run.id,
        stage=run.stage,
        solution_id=run.solution_id,
        solution=run.solution.name if run.solution else "",
        at=found.event.created_at,
        data=found.event.data,
    )
