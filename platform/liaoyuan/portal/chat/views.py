"""The chat: choose a solution, ask, read the answer beside its evidence, say whether it helped."""

from contextlib import AbstractContextManager
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from liaoyuan.accounts.tenancy import Tenant, tenant_context
from liaoyuan.deployment import conversations as threads
from liaoyuan.deployment.answering import Asker
from liaoyuan.deployment.conversations import Begun
from liaoyuan.deployment.models import ConversationTurn
from liaoyuan.errors import LiaoyuanError, NotFound
from liaoyuan.operations.budget import budget_check
from liaoyuan.operations.services import feedback_give, feedback_withdraw
from liaoyuan.portal.addresses import uuid_of
from liaoyuan.portal.chat import selectors
from liaoyuan.portal.chat.evidence import evidence_of
from liaoyuan.portal.chat.streaming import answer_events, work_start
from liaoyuan.portal.door import PageRequest, language, page

LONGEST_SEARCH = 100


@page("ask")
def chat(request: PageRequest) -> HttpResponse:
    """The solutions that can be asked."""
    return render(request, "portal/chat/chat.html", {"applications": selectors.applications(language())})


@page("ask")
def solution(request: PageRequest, solution_id: UUID) -> HttpResponse:
    """A new conversation with one solution; ``?q=`` is put into the box."""
    return _page(request, solution_id, question=request.GET.get("q", "")[:2000])


@page("ask")
def conversation(request: PageRequest, solution_id: UUID, conversation_id: UUID) -> HttpResponse:
    """One of one's own conversations; ``?again=`` puts the question of a turn back into the box."""
    return _page(request, solution_id, conversation_id=conversation_id, question=_again(request))


@page("ask")
def conversations(request: PageRequest, solution_id: UUID) -> HttpResponse:
    """The list of one's conversations, searched."""
    here = request.GET.get("here", "")
    shown = selectors.chat_page(solution_id, request.principal, language(), search=_search(request))
    return render(request, "portal/chat/list.html", {"shown": shown, "here": here})


@page("ask", methods=("POST",), tenant=False)
def ask(request: PageRequest, solution_id: UUID) -> HttpResponseBase:
    """Write the question down and answer it: as a stream for the page's script, else as the page itself."""
    streaming = "text/event-stream" in request.headers.get("Accept", "")
    question = request.POST.get("question", "")
    conversation_id = uuid_of(request.POST.get("conversation", ""))
    try:
        with _mine(request):
            budget_check()
            begun = threads.turn_begin(
                solution_id=solution_id,
                question=question,
                key=uuid_of(request.POST.get("key", "")) or uuid4(),
                conversation_id=conversation_id,
            )
    except NotFound:
        raise
    except LiaoyuanError as error:
        if streaming:
            raise
        return _asked_badly(request, solution_id, conversation_id, question, error)
    if streaming:
        return _stream(request, begun, question)
    if begun.fresh:
        threads.turn_answer(asker=_asker(request), begun=begun, question=question)
    return HttpResponseRedirect(_address(begun.turn))


@page("ask")
def turn(request: PageRequest, turn_id: UUID) -> HttpResponse:
    """One turn as it stands now."""
    return _turn(request, threads.turn_get(turn_id))


@page("ask", methods=("POST",))
def turn_halt(request: PageRequest, turn_id: UUID) -> HttpResponse:
    """Stop waiting for an answer."""
    return _turn(request, threads.turn_stop(turn_id=turn_id))


@page("feedback.give", methods=("POST",))
def turn_feedback(request: PageRequest, turn_id: UUID) -> HttpResponse:
    """Say whether an answer helped; a second verdict replaces the first."""
    found = threads.turn_get(turn_id)
    if found.trace_id is None:
        raise NotFound
    feedback_give(
        trace_id=found.trace_id,
        user_id=request.principal.user_id,
        helpful=request.POST.get("helpful") == "yes",
        reason=request.POST.get("reason", ""),
        comment=request.POST.get("comment", ""),
    )
    return _turn(request, found)


@page("feedback.give", methods=("POST",))
def turn_feedback_undo(request: PageRequest, turn_id: UUID) -> HttpResponse:
    """Take one's verdict back."""
    found = threads.turn_get(turn_id)
    if found.trace_id is None:
        raise NotFound
    feedback_withdraw(trace_id=found.trace_id, user_id=request.principal.user_id)
    return _turn(request, found)


@page("ask")
def source(request: PageRequest, turn_id: UUID, kind: str, number: int) -> HttpResponse:
    """A citation at its place in the document: beside the answer, or as the document's own page without a script."""
    found = threads.turn_get(turn_id)
    evidence = evidence_of(found, kind, number)
    if request.headers.get("HX-Request") or not evidence.address:
        beside = bool(request.headers.get("HX-Request"))
        template = "portal/chat/source.html" if beside else "portal/chat/source_page.html"
        return render(request, template, {"evidence": evidence, "leaf": evidence.leaf, "back": _address(found)})
    return HttpResponseRedirect(evidence.address)


@page("ask", methods=("POST",))
def rename(request: PageRequest, solution_id: UUID, conversation_id: UUID) -> HttpResponse:
    """Give a conversation another name."""
    title = request.POST.get("title", "")
    threads.conversation_rename(conversation_id=conversation_id, solution_id=solution_id, title=title)
    return HttpResponseRedirect(reverse("conversation", args=[solution_id, conversation_id]))


@page("ask", methods=("POST",))
def delete(request: PageRequest, solution_id: UUID, conversation_id: UUID) -> HttpResponse:
    """Remove a conversation."""
    threads.conversation_delete(conversation_id=conversation_id, solution_id=solution_id)
    messages.success(request, _("The conversation was deleted."))
    return HttpResponseRedirect(reverse("chat_solution", args=[solution_id]))


def _page(
    request: PageRequest,
    solution_id: UUID,
    *,
    conversation_id: UUID | None = None,
    question: str = "",
    error: LiaoyuanError | None = None,
) -> HttpResponse:
    who = request.principal
    search = _search(request)
    shown = selectors.chat_page(solution_id, who, language(), conversation_id=conversation_id, search=search)
    said = error.sentence(language()) if error else ""
    body = {"shown": shown, "question": question, "error": said, "here": str(conversation_id or "")}
    return render(request, "portal/chat/conversation.html", body, status=error.status if error else 200)


def _asked_badly(
    request: PageRequest, solution_id: UUID, conversation_id: UUID | None, question: str, error: LiaoyuanError
) -> HttpResponse:
    """The page again, with the sentence and with the question still in its box."""
    with _mine(request):
        return _page(request, solution_id, conversation_id=conversation_id, question=question, error=error)


def _stream(request: PageRequest, begun: Begun, question: str) -> StreamingHttpResponse:
    asker, who, spoken = _asker(request), request.principal, translation.get_language() or "en"

    def last() -> dict[str, object]:
        with tenant_context(who.organization_id, who.user_id, groups=who.document_groups), translation.override(spoken):
            return _article(request, begun.turn.id)

    def more() -> dict[str, object]:
        with tenant_context(who.organization_id, who.user_id, groups=who.document_groups), translation.override(spoken):
            return _offered(request, begun.turn.id)

    with _mine(request):
        first = _article(request, begun.turn.id) | {"address": _address(begun.turn), "fresh": begun.fresh}
    channel = work_start(
        lambda listen, tell: (
            threads.turn_answer(asker=asker, begun=begun, question=question, listen=listen, tell=tell)
            if begun.fresh
            else None
        )
    )
    body = answer_events(channel, first, _steps(), last, more)
    response = StreamingHttpResponse(body, content_type="text/event-stream; charset=utf-8")
    # A proxy that compresses or buffers would hold the steps back; the end arrives all the same.
    response["Cache-Control"] = "no-transform"
    response["X-Accel-Buffering"] = "no"
    return response


def _steps() -> dict[str, str]:
    return {
        "guard": _("Checking the question…"),
        "rewrite": _("Reading the question in its conversation…"),
        "retrieve": _("Searching the documents…"),
        "generate": _("Writing from the evidence…"),
        "ground": _("Checking every sentence against the evidence…"),
    }


def _article(request: PageRequest, turn_id: UUID) -> dict[str, object]:
    found = ConversationTurn.objects.select_related("conversation").get(id=turn_id)
    view = selectors.turn_views([found], request.principal, language())[0]
    html = render_to_string("portal/chat/turn.html", {"turn": view}, request)
    return {"turn": str(turn_id), "shape": view.shape, "html": html}


def _offered(request: PageRequest, turn_id: UUID) -> dict[str, object]:
    """What may be asked next; empty where there is nothing, or the conversation was deleted meanwhile."""
    found = ConversationTurn.objects.select_related("conversation").filter(id=turn_id).first()
    view = selectors.turn_views([found], request.principal, language())[0] if found else None
    if view is None or not view.follow_ups:
        return {}
    html = render_to_string("portal/chat/follow_ups.html", {"turn": view}, request)
    return {"turn": str(turn_id), "follow_ups": [each.question for each in view.follow_ups], "html": html}


def _turn(request: PageRequest, found: ConversationTurn) -> HttpResponse:
    """The turn alone for the page's script, else the page that it stands on."""
    if not request.headers.get("HX-Request"):
        return HttpResponseRedirect(_address(found))
    view = selectors.turn_views([found], request.principal, language())[0]
    return render(request, "portal/chat/turn.html", {"turn": view})


def _address(found: ConversationTurn) -> str:
    page_of = reverse("conversation", args=[found.conversation.solution_id, found.conversation_id])
    return f"{page_of}#turn-{found.id}"


def _again(request: PageRequest) -> str:
    turn_id = uuid_of(request.GET.get("again", ""))
    return threads.turn_get(turn_id).question if turn_id else ""


def _asker(request: PageRequest) -> Asker:
    who = request.principal
    return Asker(who.organization_id, who.user_id, who.document_groups)


def _mine(request: PageRequest) -> AbstractContextManager[Tenant]:
    who = request.principal
    return tenant_context(who.organization_id, who.user_id, groups=who.document_groups)


def _search(request: PageRequest) -> str:
    return request.GET.get("search", "").replace("\x00", "").strip()[:LONGEST_SEARCH]
