"""A person's conversations with a solution: begun, answered, stopped, found again. Only their owner ever sees them.

Every function here works inside the caller's tenant context, except ``turn_answer``: no transaction is held while an
answer is made.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from liaoyuan.accounts.names import name_clean
from liaoyuan.accounts.tenancy import current_tenant, tenant_context
from liaoyuan.deployment.answering import Answered, Asker, answer, question_kept
from liaoyuan.deployment.errors import NotLive, StillAnswering
from liaoyuan.deployment.following import followed
from liaoyuan.deployment.models import Conversation, ConversationTurn, Deployment, Route, TurnState
from liaoyuan.deployment.selectors import deployment_for
from liaoyuan.errors import LiaoyuanError, NotFound
from liaoyuan.knowledge.answer import LONGEST_QUESTION
from liaoyuan.knowledge.errors import QuestionEmpty
from liaoyuan.knowledge.rewriting import TURNS_READ, Turn
from liaoyuan.knowledge.text.normalise import normalise

logger = logging.getLogger(__name__)
LONGEST_TITLE: Final = 60
# The step that a listener hears when the answer is kept; what follows is only what may be asked next.
ANSWERED: Final = "answered"
# One person's questions that are being answered at the same time, over all conversations.
MOST_AT_ONCE: Final = 3
# The chat model's own limit with its retries; what works longer has lost its process.
LOST_AFTER: Final = timedelta(minutes=7)
_KEPT: Final = (
    "text", "abstained", "mode", "model", "fell_back", "citations", "nearest", "escalation", "disclaimer", "seconds",
    "searched", "sentences", "contradictions",
)  # fmt: skip


class AnswerBroke(LiaoyuanError):
    code = "answer_broke"
    zh = "回答时出现内部错误，已记录。您的问题没有丢失，请重试；若仍失败，请联系管理员。"
    en = "Something broke while answering; it was recorded. Your question is kept: try again, or tell an administrator."
    retryable = True
    status = 500


@dataclass(frozen=True)
class Begun:
    """A turn that was written; ``fresh`` False where the same sending had come before."""

    turn: ConversationTurn
    deployment: Deployment
    route: str
    fresh: bool


def turn_begin(*, solution_id: UUID, question: str, key: UUID, conversation_id: UUID | None = None) -> Begun:
    """Write the question down, in a new conversation where none is named.

    Raises QuestionEmpty, NotFound for another's conversation or a solution out of reach, NotLive, StillAnswering.
    """
    text = question_clean(question)
    if not normalise(text) or len(text) > LONGEST_QUESTION:
        raise QuestionEmpty(limit=LONGEST_QUESTION)
    route, deployment = _live(solution_id)
    turns = ConversationTurn.objects.select_related("conversation")
    before = turns.filter(key=key, conversation__user_id=_me()).first()
    if before is not None:
        return Begun(before, deployment, route.name, fresh=False)
    conversation = conversation_get(conversation_id, solution_id, lock=True) if conversation_id else None
    mine = _working()
    if mine.count() >= MOST_AT_ONCE or (conversation is not None and mine.filter(conversation=conversation).exists()):
        raise StillAnswering
    return Begun(_write(conversation, solution_id, text, key), deployment, route.name, fresh=True)


def turn_answer(
    *,
    asker: Asker,
    begun: Begun,
    question: str,
    listen: Callable[[str], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> ConversationTurn:
    """Answer a fresh turn and keep what came, also a failure; never raises for either. Opens its own contexts.

    A follow-up rests on the turns before it; ``tell`` hears the answer grow, sentence by sentence. The step
    ``answered`` is heard once it is kept; then the questions that may follow are found and kept with it.
    """
    try:
        found = answer(
            asker=asker,
            deployment=begun.deployment,
            question=question_clean(question),
            listen=listen,
            history=_history(asker, begun.turn),
            tell=tell,
        )
    except LiaoyuanError as error:
        return _finish(asker, begun, state=TurnState.FAILED, error=_told(error))
    except Exception:
        logger.exception("a question could not be answered")
        return _finish(asker, begun, state=TurnState.FAILED, error=_told(AnswerBroke()))
    turn = _finish(asker, begun, state=TurnState.ANSWERED, answer=_kept(found, begun), trace_id=found.trace_id)
    if listen is not None:
        listen(ANSWERED)
    return _followed(asker, begun, turn, found)


def _followed(asker: Asker, begun: Begun, turn: ConversationTurn, found: Answered) -> ConversationTurn:
    """The turn with what may be asked next, where there is something and the turn was not stopped or deleted."""
    if turn.state != TurnState.ANSWERED:
        return turn
    with tenant_context(asker.organization_id, asker.user_id, groups=asker.groups):
        before = ConversationTurn.objects.filter(conversation_id=turn.conversation_id).order_by("created_at")
        asked = list(before.values_list("question", flat=True))
    offered = followed(asker=asker, deployment=begun.deployment, answered=found, asked=asked).follow_ups
    if offered:
        turn.answer = turn.answer | {"follow_ups": list(offered)}
        with tenant_context(asker.organization_id, asker.user_id, groups=asker.groups):
            ConversationTurn.objects.filter(id=turn.id, state=TurnState.ANSWERED).update(answer=turn.answer)
    return turn


def _history(asker: Asker, turn: ConversationTurn) -> list[Turn]:
    """The answered turns before ``turn``, oldest first, each by the question that was searched for."""
    with tenant_context(asker.organization_id, asker.user_id, groups=asker.groups):
        before = ConversationTurn.objects.filter(
            conversation_id=turn.conversation_id, state=TurnState.ANSWERED, created_at__lt=turn.created_at
        )
        latest = list(before.order_by("-created_at")[:TURNS_READ])[::-1]
    return [
        Turn(str(each.answer.get("searched") or each.question), str(each.answer.get("text", ""))) for each in latest
    ]


def turn_stop(*, turn_id: UUID) -> ConversationTurn:
    """Stop waiting for one's own turn; an answer that still comes is dropped. Raises NotFound."""
    turn = turn_get(turn_id)
    ConversationTurn.objects.filter(id=turn.id, state=TurnState.WORKING).update(
        state=TurnState.STOPPED, finished_at=timezone.now()
    )
    turn.refresh_from_db()
    return turn


def conversation_rename(*, conversation_id: UUID, solution_id: UUID, title: str) -> Conversation:
    """Give one's own conversation another name; an empty one changes nothing. Raises NotFound."""
    conversation = conversation_get(conversation_id, solution_id)
    conversation.title = title_of(title) or conversation.title
    conversation.save(update_fields=["title"])
    return conversation


def conversation_delete(*, conversation_id: UUID, solution_id: UUID) -> None:
    """Remove one's own conversation. The traces of its answers stay: they belong to the organization's record."""
    conversation_get(conversation_id, solution_id).delete()


def conversations_mine(solution_id: UUID, search: str = "") -> QuerySet[Conversation]:
    """One's own conversations with a solution, latest first; ``search`` looks into titles, questions and answers."""
    mine = Conversation.objects.filter(user_id=_me(), solution_id=solution_id)
    if search:
        words = Q(question__icontains=search) | Q(answer__text__icontains=search)
        turns = ConversationTurn.objects.filter(words, conversation=OuterRef("pk"))
        mine = mine.filter(Q(title__icontains=search) | Exists(turns))
    return mine.order_by("-touched_at")


def conversation_get(conversation_id: UUID, solution_id: UUID, *, lock: bool = False) -> Conversation:
    """One's own conversation. Raises NotFound for anybody else's."""
    rows = Conversation.objects.select_for_update() if lock else Conversation.objects.all()
    found = rows.filter(id=conversation_id, user_id=_me(), solution_id=solution_id).first()
    if found is None:
        raise NotFound
    return found


def turn_get(turn_id: UUID) -> ConversationTurn:
    """One turn of one's own conversations. Raises NotFound."""
    turns = ConversationTurn.objects.select_related("conversation")
    found = turns.filter(id=turn_id, conversation__user_id=_me()).first()
    if found is None:
        raise NotFound
    return found


def turn_lost(turn: ConversationTurn) -> bool:
    """Whether a turn still says that it works although nothing can be working on it any more."""
    return turn.state == TurnState.WORKING and turn.created_at < timezone.now() - LOST_AFTER


def question_clean(question: str) -> str:
    """What was typed, without the zero bytes that no database takes."""
    return question.replace("\x00", "").strip()


def title_of(text: str) -> str:
    """A title in one line, without the invisible characters that could make it look like another."""
    words = name_clean(text)
    return words if len(words) <= LONGEST_TITLE else words[: LONGEST_TITLE - 1] + "…"


def _me() -> UUID:
    """A conversation needs somebody to belong to."""
    user_id = current_tenant().user_id
    if user_id is None:
        raise NotFound
    return user_id


def _live(solution_id: UUID) -> tuple[Route, Deployment]:
    route = Route.objects.filter(solution_id=solution_id).first()
    if route is None:
        raise NotLive
    return route, deployment_for(route.name)


def _working() -> QuerySet[ConversationTurn]:
    since = timezone.now() - LOST_AFTER
    return ConversationTurn.objects.filter(conversation__user_id=_me(), state=TurnState.WORKING, created_at__gte=since)


def _write(conversation: Conversation | None, solution_id: UUID, text: str, key: UUID) -> ConversationTurn:
    tenant = current_tenant()
    kept = question_kept(text)
    try:
        with transaction.atomic():
            if conversation is None:
                conversation = Conversation.objects.create(
                    organization_id=tenant.organization_id,
                    user_id=_me(),
                    solution_id=solution_id,
                    title=title_of(kept) or "…",
                )
            else:
                conversation.save(update_fields=["touched_at"])
            return ConversationTurn.objects.create(
                organization_id=tenant.organization_id, conversation=conversation, key=key, question=kept
            )
    except IntegrityError as error:
        # The same sending a moment ago, or a key that is somebody else's: both may only wait.
        raise StillAnswering from error


def _finish(asker: Asker, begun: Begun, **columns: Any) -> ConversationTurn:
    """Only a turn that still works is finished: a stopped one stays stopped."""
    with tenant_context(asker.organization_id, asker.user_id, groups=asker.groups):
        open_turn = ConversationTurn.objects.filter(id=begun.turn.id, state=TurnState.WORKING)
        open_turn.update(finished_at=timezone.now(), **columns)
        # A conversation deleted meanwhile took the turn with it; the caller still gets the row as it was.
        return ConversationTurn.objects.filter(id=begun.turn.id).first() or begun.turn


def _kept(found: Answered, begun: Begun) -> dict[str, Any]:
    bundle = begun.deployment.bundle
    more = {"route": begun.route, "bundle": bundle.number, "bundle_id": str(bundle.id)}
    return {name: getattr(found, name) for name in _KEPT} | more


def _told(error: LiaoyuanError) -> dict[str, str]:
    return {"code": error.code, "zh": error.sentence("zh"), "en": error.sentence("en")}
