"""What the chat's pages show, ready for their templates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from liaoyuan.accounts.policy import Principal, allowed
from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.deployment.conversations import conversation_get, conversations_mine, turn_lost
from liaoyuan.deployment.models import Conversation, ConversationTurn, Route, TurnState
from liaoyuan.deployment.selectors import routes_visible
from liaoyuan.errors import NotFound
from liaoyuan.industry.errors import IndustryError
from liaoyuan.industry.schemas import ScenarioSpec
from liaoyuan.industry.selectors import industry_get
from liaoyuan.knowledge.models import Collection, DocumentVersion
from liaoyuan.knowledge.rights import all_readable, versions_readable
from liaoyuan.operations.models import Feedback, FeedbackReason
from liaoyuan.pipeline.models import Solution
from liaoyuan.pipeline.selectors import solution_get
from liaoyuan.portal.chat.marks import Line, Table, body_of, lines_of
from liaoyuan.portal.evaluation.selectors import verdict_address

MOST_CONVERSATIONS: Final = 60
MOST_EXAMPLES: Final = 4
REASONS: Final[dict[str, Any]] = {
    FeedbackReason.WRONG: _("The content is wrong"),
    FeedbackReason.INCOMPLETE: _("Something is missing"),
    FeedbackReason.OUTDATED: _("It is out of date"),
    FeedbackReason.WRONG_SOURCE: _("The quotes do not fit"),
    FeedbackReason.SHOULD_ANSWER: _("It should have been answered"),
    FeedbackReason.SHOULD_ABSTAIN: _("It should not have been answered"),
    FeedbackReason.UNSAFE: _("It is not safe"),
    FeedbackReason.OTHER: _("Something else"),
}
CITED, NEAREST = "cited", "nearest"


@dataclass(frozen=True)
class Application:
    """A live solution that can be asked."""

    id: UUID
    name: str
    route: str
    scenario: str
    description: str
    collection: str
    collection_id: UUID | None
    examples: Sequence[str]
    conversations: int


@dataclass(frozen=True)
class Source:
    """One citation; ``open`` False where its document is gone."""

    number: int
    kind: str
    address: str
    document: str
    version: str
    locator: str
    page: int | None
    heading_path: Sequence[str]
    quote: str
    open: bool


@dataclass(frozen=True)
class TurnView:
    """One question with what became of it.

    ``shape`` is working, answered, abstained, guarded, failed, stopped, lost or withheld. ``why`` is where a reader who
    found a fault learns its cause, empty where he may not.
    """

    id: UUID
    conversation: str
    question: str
    shape: str
    lines: Sequence[Line | Table]
    escalation: str
    fell_back: bool
    disclaimer: str
    sources: Sequence[Source]
    nearest: Sequence[Source]
    error: str
    route: str
    model: str
    mode: str
    bundle: int | None
    bundle_id: str
    seconds: float
    trace_id: UUID | None
    at: datetime
    feedback: Feedback | None
    reasons: Mapping[str, Any]
    copy: str
    may_trace: bool
    searched: str = ""
    conflicts: Sequence["ConflictView"] = ()
    unsupported: Sequence[str] = ()
    follow_ups: Sequence["FollowUp"] = ()
    why: str = ""


@dataclass(frozen=True)
class ConflictView:
    """Two sources that differ, side by side; ``kind`` is number, negation or modality."""

    kind: str
    left: Mapping[str, Any]
    right: Mapping[str, Any]

    @property
    def sides(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        return self.left, self.right


@dataclass(frozen=True)
class FollowUp:
    """A question that may be asked next, as a form of its own: ``address`` takes it, ``key`` is of this sending."""

    question: str
    address: str
    conversation: UUID
    key: UUID


@dataclass(frozen=True)
class ChatPage:
    """A solution's chat: one's conversations, the open one with its turns, a fresh key for the next question."""

    application: Application
    conversations: Sequence[Conversation]
    conversation: Conversation | None
    turns: Sequence[TurnView]
    search: str
    key: UUID

    @property
    def working(self) -> bool:
        return any(turn.shape == "working" for turn in self.turns)


def applications(language: str) -> list[Application]:
    """The live solutions that the reader may ask, by name."""
    routes = {route.solution_id: route for route in routes_visible()}
    solutions = Solution.objects.filter(id__in=routes).order_by("name")
    return [_application(solution, routes[solution.id], language) for solution in solutions]


def application(solution_id: UUID, language: str) -> Application:
    """One of them. Raises NotFound where it is not live or may not be asked."""
    solution = solution_get(solution_id)
    route = next((route for route in routes_visible() if route.solution_id == solution_id), None)
    if route is None:
        raise NotFound
    return _application(solution, route, language)


def chat_page(
    solution_id: UUID, who: Principal, language: str, *, conversation_id: UUID | None = None, search: str = ""
) -> ChatPage:
    """Raises NotFound for a solution that cannot be asked and for somebody else's conversation."""
    found = conversation_get(conversation_id, solution_id) if conversation_id else None
    turns = list(found.turns.order_by("created_at")) if found else []
    return ChatPage(
        application=application(solution_id, language),
        conversations=list(conversations_mine(solution_id, search)[:MOST_CONVERSATIONS]),
        conversation=found,
        turns=turn_views(turns, who, language),
        search=search,
        key=uuid4(),
    )


def turn_views(turns: Sequence[ConversationTurn], who: Principal, language: str) -> list[TurnView]:
    """The turns with their citations as the reader may open them now, and the reader's verdicts."""
    cited = {UUID(version) for turn in turns for version in _versions(turn.answer)}
    there = set(DocumentVersion.objects.filter(id__in=cited).values_list("id", flat=True))
    readable = set(versions_readable().filter(id__in=cited).values_list("id", flat=True))
    traces = [turn.trace_id for turn in turns if turn.trace_id]
    verdicts = Feedback.objects.filter(trace_id__in=traces, user_id=current_tenant().user_id or who.user_id)
    feedback: dict[UUID | None, Feedback] = {verdict.trace_id: verdict for verdict in verdicts}
    rights = _Rights(frozenset(map(str, there)), frozenset(map(str, readable)))
    return [
        _turn(turn, rights, feedback.get(turn.trace_id) if turn.trace_id else None, who, language) for turn in turns
    ]


def citation_of(turn: ConversationTurn, kind: str, number: int) -> Mapping[str, Any]:
    """Citation ``number`` (from 1) of an answer, or of its nearest evidence. Raises NotFound."""
    listed: Sequence[Mapping[str, Any]] = turn.answer.get("citations" if kind == CITED else "nearest", [])
    if kind not in {CITED, NEAREST} or not 1 <= number <= len(listed):
        raise NotFound
    return listed[number - 1]


@dataclass(frozen=True)
class _Rights:
    """Version ids (as text) that still exist, and those that the reader may read."""

    there: frozenset[str]
    readable: frozenset[str]

    def forbidden(self, citation: Mapping[str, Any]) -> bool:
        version = str(citation.get("document_version_id"))
        return version in self.there and version not in self.readable


def _versions(answer: Mapping[str, Any]) -> list[str]:
    pairs = [pair[side] for pair in answer.get("contradictions", []) for side in ("left", "right")]
    listed = [*answer.get("citations", []), *answer.get("nearest", []), *pairs]
    return [str(item["document_version_id"]) for item in listed if item.get("document_version_id")]


def _application(solution: Solution, route: Route, language: str) -> Application:
    scenario, examples = _scenario(solution, language)
    collection = Collection.objects.filter(id=solution.collection_id).first() if solution.collection_id else None
    return Application(
        id=solution.id,
        name=solution.name,
        route=route.name,
        scenario=scenario.title.in_language(language) if scenario else solution.scenario,
        description=scenario.description.in_language(language) if scenario else "",
        collection=collection.name if collection else "",
        collection_id=collection.id if collection else None,
        examples=examples,
        conversations=conversations_mine(solution.id).count(),
    )


def _scenario(solution: Solution, language: str) -> tuple[ScenarioSpec | None, list[str]]:
    """The pack's own words and example questions; none where the pack is gone or refused."""
    try:
        pack = industry_get(solution.industry)
        questions = pack.demo_questions(solution.scenario)
        asked = [each.question for each in questions if each.answerable and each.language == language]
        asked = asked or [each.question for each in questions if each.answerable]
        return pack.scenario(solution.scenario), asked[:MOST_EXAMPLES]
    except IndustryError:
        return None, []


def _turn(
    turn: ConversationTurn, rights: _Rights, feedback: Feedback | None, who: Principal, language: str
) -> TurnView:
    answer = turn.answer
    withheld = any(rights.forbidden(citation) for citation in answer.get("citations", []))
    shown: Mapping[str, Any] = {} if withheld else answer
    sources = _sources(turn, CITED, shown.get("citations", []), rights)
    return TurnView(
        id=turn.id,
        conversation=reverse("conversation", args=[turn.conversation.solution_id, turn.conversation_id]),
        question=turn.question,
        shape="withheld" if withheld else _shape(turn),
        lines=lines_of(shown),
        escalation=str(shown.get("escalation", "")),
        fell_back=bool(shown.get("fell_back")),
        disclaimer=str(shown.get("disclaimer", "")),
        sources=sources,
        nearest=_sources(turn, NEAREST, shown.get("nearest", []), rights),
        error=str(turn.error.get(language, "")),
        route=str(answer.get("route", "")),
        # What was quoted, withheld or declined was written by no model.
        model=str(answer.get("model", "")) if answer.get("mode") == "generative" or answer.get("fell_back") else "",
        mode=str(answer.get("mode", "")),
        bundle=answer.get("bundle"),
        bundle_id=str(answer.get("bundle_id", "")),
        seconds=float(answer.get("seconds", 0.0)),
        trace_id=turn.trace_id,
        at=turn.created_at,
        feedback=feedback,
        reasons=REASONS,
        copy=_copy(shown, sources),
        may_trace=allowed(who, "trace.view"),
        searched=str(shown.get("searched", "")),
        conflicts=_conflicts(shown, rights),
        unsupported=_unsupported(shown),
        follow_ups=_follow_ups(turn, shown, rights),
        why=_why(turn, feedback, who),
    )


def _why(turn: ConversationTurn, feedback: Feedback | None, who: Principal) -> str:
    """Asked for bad answers alone, so that a long conversation costs no more."""
    if feedback is None or feedback.helpful or turn.trace_id is None or turn.answer.get("mode") == "guarded":
        return ""
    solution = Solution.objects.filter(id=turn.conversation.solution_id).first()
    if solution is None or not all_readable(turn.answer.get("citations", [])):
        return ""
    return verdict_address(who, turn.trace_id, solution.collection_id)


def _conflicts(answer: Mapping[str, Any], rights: _Rights) -> list[ConflictView]:
    """The pairs whose both sides the reader may read now."""
    return [
        ConflictView(pair["kind"], pair["left"], pair["right"])
        for pair in answer.get("contradictions", [])
        if not (rights.forbidden(pair["left"]) or rights.forbidden(pair["right"]))
    ]


def _follow_ups(turn: ConversationTurn, answer: Mapping[str, Any], rights: _Rights) -> list[FollowUp]:
    """What was offered, unless one of the documents behind it may not be read any more."""
    conversation = turn.conversation
    if any(rights.forbidden(citation) for citation in [*answer.get("citations", []), *answer.get("nearest", [])]):
        return []
    address = reverse("chat_ask", args=[conversation.solution_id])
    offered: Sequence[str] = answer.get("follow_ups", [])
    return [FollowUp(question, address, conversation.id, uuid4()) for question in offered]


def _unsupported(answer: Mapping[str, Any]) -> list[str]:
    """The sentences of a written answer that no citation carries; quotes carry themselves."""
    text = str(answer.get("text", ""))
    if answer.get("mode") != "generative":
        return []
    return [text[each["start"] : each["end"]] for each in answer.get("sentences", []) if not each["supported"]]


def _shape(turn: ConversationTurn) -> str:
    if turn_lost(turn):
        return "lost"
    if turn.state != TurnState.ANSWERED:
        return str(turn.state)
    if turn.answer.get("abstained"):
        return "abstained"
    return "guarded" if turn.answer.get("mode") == "guarded" else "answered"


def _sources(
    turn: ConversationTurn, kind: str, citations: Sequence[Mapping[str, Any]], rights: _Rights
) -> list[Source]:
    """What the reader may not read is left out; what is gone stays in the list and says so when it is opened."""
    return [
        Source(
            number=number,
            kind=kind,
            address=reverse("chat_source", args=[turn.id, kind, number]),
            document=str(citation.get("document", "")),
            version=str(citation.get("version", "")),
            locator=str(citation.get("locator", "")),
            page=citation.get("page"),
            heading_path=citation.get("heading_path", []),
            quote=str(citation.get("quote", "")),
            open=str(citation.get("document_version_id")) in rights.there,
        )
        for number, citation in enumerate(citations, start=1)
        if not rights.forbidden(citation)
    ]


def _copy(answer: Mapping[str, Any], sources: Sequence[Source]) -> str:
    """The answer as plain text with its sources below, for pasting elsewhere."""
    places = [
        f"[{source.number}] {source.document} ({source.version})"
        + (f" {source.locator}" if source.locator else "")
        + (f" p. {source.page}" if source.page else "")
        for source in sources
    ]
    return "\n".join([body_of(answer), *([""] if places else []), *places]).strip()
