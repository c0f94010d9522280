"""What happened, in sentences: the events of a run or of a pass, and the attempts that they tell of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from liaoyuan.accounts.models import Member
from liaoyuan.accounts.policy import Principal
from liaoyuan.pipeline.models import RunState, StageEvent
from liaoyuan.portal.solutions.words import STAGES, duration, in_language, tells_files
from liaoyuan.portal.stages.words import STATES

# What only tells how far a run is; the rest is what happened.
CHATTER: Final = ("progress", "log")
KINDS: Final[dict[str, Any]] = {**STATES, "started": _("started"), "progress": _("progress"), "log": _("log")}
ACTIONS: Final[dict[str, Any]] = {
    "run.cancel": _("cancelled by {name}"),
    "run.retry": _("retried by {name}"),
    "run.approve": _("approved by {name}"),
    "run.resume": _("asked again by {name}"),
}
BADGES: Final = {"started": "running", "progress": "neutral", "log": "neutral"}
MOST_NUMBERS: Final = 6


@dataclass(frozen=True)
class EventView:
    """One event; ``numbers`` are what a stage counted, as text."""

    seq: int
    run_id: UUID
    at: datetime
    stage: Any
    kind: Any
    badge: str
    words: str
    numbers: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Attempt:
    """One attempt of a run; ``outcome`` and ``ended`` are empty while it goes on."""

    number: int
    fence: int
    worker: str
    began: datetime
    ended: datetime | None
    badge: str
    outcome: Any
    words: str

    @property
    def took(self) -> str:
        return duration((self.ended - self.began).total_seconds()) if self.ended else ""


def event_views(events: Iterable[StageEvent], principal: Principal, language: str) -> list[EventView]:
    """In the order given; ``events`` with their run."""
    found = list(events)
    names = people_named(event.data.get("by") for event in found)
    return [_event(event, principal, language, names) for event in found]


def attempts(events: Iterable[StageEvent], language: str) -> list[Attempt]:
    """Every attempt that ``events`` (of one run, oldest first, without chatter) tell of, the newest first."""
    found: list[Attempt] = []
    began: StageEvent | None = None
    for event in events:
        if event.kind == "started":
            began = event
            found.append(_attempt(event, None, language))
        elif began is not None and event.kind != RunState.CANCELLING:
            found[-1] = _attempt(began, event, language)
            began = None
    return found[::-1]


def people_named(ids: Iterable[Any]) -> dict[str, str]:
    """User id → name (or address) of members of this organization; a stranger's id names nobody."""
    wanted = {str(each) for each in ids if each}
    if not wanted:
        return {}
    members = Member.objects.filter(user_id__in=wanted).select_related("user")
    return {str(member.user_id): member.user.name or member.user.email for member in members}


def event_words(data: Mapping[str, Any], language: str) -> str:
    """The sentence in an event's data: a reason, a result, an error, a message."""
    error = data.get("error") or {}
    if error:
        return str(error.get(language) or error.get("message", ""))
    result = data.get("result") or {}
    found = in_language(data, "wait", language) or in_language(result, "summary", language)
    return found or in_language(data, "message", language) or str(data.get("message") or "")


def _event(event: StageEvent, principal: Principal, language: str, names: Mapping[str, str]) -> EventView:
    told = tells_files(event.run, principal)
    words = event_words(event.data, language) if told else ""
    action = ACTIONS.get(str(event.data.get("action", "")))
    if action is not None:
        who = names.get(str(event.data.get("by", "")), str(_("a former member")))
        note = str(event.data.get("note") or "")
        words = str(action).format(name=who) + (f": {note}" if note else "")
    return EventView(
        seq=event.seq,
        run_id=event.run_id,
        at=event.created_at,
        stage=STAGES.get(event.run.stage, event.run.stage),
        kind=KINDS.get(event.kind, event.kind),
        badge=BADGES.get(event.kind, event.kind if event.kind in STATES else "neutral"),
        words=words or _started(event),
        numbers=_numbers(event.data) if told else (),
    )


def _started(event: StageEvent) -> str:
    if event.kind != "started":
        return ""
    attempt, worker = event.data.get("attempt"), event.data.get("worker")
    return str(_("attempt {attempt} on {worker}")).format(attempt=attempt, worker=worker)


def _numbers(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = data.get("numbers") or data.get("fields") or {}
    return [(str(key), str(value)) for key, value in list(found.items())[:MOST_NUMBERS]] if found else []


def _attempt(began: StageEvent, ended: StageEvent | None, language: str) -> Attempt:
    return Attempt(
        number=int(began.data.get("attempt") or 0),
        fence=int(began.data.get("fence") or 0),
        worker=str(began.data.get("worker") or ""),
        began=began.created_at,
        ended=ended.created_at if ended else None,
        badge="running" if ended is None else BADGES.get(ended.kind, ended.kind),
        outcome=STATES[RunState.RUNNING] if ended is None else KINDS.get(ended.kind, ended.kind),
        words="" if ended is None else event_words(ended.data, language),
    )
