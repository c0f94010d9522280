"""Small protocols by which sibling stages serve each other; ``config.wiring`` says who serves.

A stage never imports a stage. It asks ``ports()`` for what it needs, and a missing wire is an error, not a silent skip.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Protocol
from uuid import UUID

from liaoyuan.errors import LiaoyuanError

Side = Literal["input", "document", "output"]
Action = Literal["allow", "flag", "mask", "block", "escalate"]


@dataclass(frozen=True)
class GuardVerdict:
    """One decision of the guardrail. ``text`` may go on (masked where needed); ``score`` is 0 (harmless) to 1."""

    action: Action
    text: str
    rules: tuple[str, ...] = ()
    score: float = 0.0
    message_zh: str = ""
    message_en: str = ""
    policy_version: str = ""
    # For ``escalate``: whether the question may still be answered beside the message. A blocked one never is.
    may_answer: bool = True


class Guard(Protocol):
    """Checks one text on one side for one scenario. ``context`` may carry evidence, groundedness, the role."""

    def check(
        self, *, side: Side, text: str, industry: str, scenario: str = "", context: Mapping[str, Any] | None = None
    ) -> GuardVerdict: ...


@dataclass(frozen=True)
class PiiSpan:
    """Characters ``start``..``end`` of a text are personal data of the kind ``label``."""

    start: int
    end: int
    label: str
    value: str


class PiiScanner(Protocol):
    """Finds and masks personal data; the same value gets the same pseudonym under one ``key``."""

    def scan(self, text: str) -> Sequence[PiiSpan]: ...
    def mask(self, text: str, *, key: bytes) -> tuple[str, Sequence[PiiSpan]]: ...


@dataclass(frozen=True)
class Span:
    """One timed step of an answer: guard, retrieve, rerank, generate, ground. Seconds from the start of the trace."""

    name: str
    start: float
    seconds: float
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AnswerTrace:
    """Everything that happened for one question; operations stores it."""

    id: UUID
    organization_id: UUID
    solution_id: UUID | None
    deployment_id: UUID | None
    bundle_id: UUID | None
    user_id: UUID | None
    question: str
    answer: str
    abstained: bool
    mode: str
    model: str
    citations: Sequence[Mapping[str, Any]]
    guard: Sequence[Mapping[str, Any]]
    spans: Sequence[Span]
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    error: str = ""


class TraceSink(Protocol):
    """Where answers' traces go. Called inside the tenant context of the question."""

    def record(self, trace: AnswerTrace) -> None: ...


@dataclass(frozen=True)
class Probe:
    """One answer of the deployed application, as the security stage sees it."""

    text: str
    abstained: bool
    citations: Sequence[Mapping[str, Any]]
    guard: Sequence[Mapping[str, Any]]


class Application(Protocol):
    """Asks a deployed bundle one question, through guard, retrieval and grounding, as a user would."""

    def ask(self, *, organization_id: UUID, deployment_id: UUID, question: str) -> Probe: ...


class Reservations(Protocol):
    """Compute's promise to a run: what is reserved, and its release when the pipeline ends."""

    def release(self, *, solution_id: UUID) -> None: ...


class Costs(Protocol):
    """What work on this machine costs, in the price book's currency."""

    def of_seconds(self, seconds: float) -> float: ...


@dataclass
class Ports:
    """The wires. Filled once, by ``config.wiring``, when Django has loaded the apps."""

    guard: Guard | None = None
    pii: PiiScanner | None = None
    traces: TraceSink | None = None
    application: Application | None = None
    reservations: Reservations | None = None
    costs: Costs | None = None


class PortMissing(LiaoyuanError):
    code = "port_missing"
    zh = "内部服务“{name}”没有接线；请检查 config/wiring.py。"
    en = "The internal service “{name}” is not wired; check config/wiring.py."
    status = 500


_ports = Ports()


def wire(**services: Any) -> None:
    """Connect services by name; unknown names are refused."""
    known = {item.name for item in fields(Ports)}
    for name, service in services.items():
        if name not in known:
            raise PortMissing(name=name)
        setattr(_ports, name, service)


def _wired(name: str) -> Any:
    service = getattr(_ports, name)
    if service is None:
        raise PortMissing(name=name)
    return service


def guard() -> Guard:
    found: Guard = _wired("guard")
    return found


def pii() -> PiiScanner:
    found: PiiScanner = _wired("pii")
    return found


def traces() -> TraceSink:
    found: TraceSink = _wired("traces")
    return found


def application() -> Application:
    found: Application = _wired("application")
    return found


def reservations() -> Reservations:
    found: Reservations = _wired("reservations")
    return found


def costs() -> Costs:
    found: Costs = _wired("costs")
    return found
