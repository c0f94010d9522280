"""What flows through a recipe: passages first, then samples; and the trace that every operator leaves."""

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from liaoyuan.knowledge.parse.blocks import Box


@dataclass(frozen=True)
class Passage:
    """One block of one document version, on its way to become samples. ``page``, ``box`` and ``locator`` lead back."""

    id: str
    document_version_id: str
    document: str
    text: str
    language: str
    kind: str = "paragraph"
    heading_path: tuple[str, ...] = ()
    locator: str = ""
    page: int | None = None
    box: Box | None = None

    def with_text(self, text: str) -> "Passage":
        return replace(self, text=text)


@dataclass(frozen=True)
class Sample:
    """One training or evaluation example. ``messages`` are chat messages; the last one is what is learnt.

    ``source`` is the passage's document version, page and box: the way back to the page.
    """

    id: str
    question: str
    answer: str
    evidence: str
    language: str
    answerable: bool
    kind: str
    source: dict[str, Any]
    messages: tuple[dict[str, str], ...] = ()
    split: str = ""

    @property
    def text(self) -> str:
        return f"{self.question}\n{self.answer}"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"messages": list(self.messages)}


@dataclass(frozen=True)
class Drop:
    """One item that an operator took out. ``like`` names the item that was kept instead of a near-duplicate."""

    id: str
    operator: str
    reason: str
    text: str
    like: str = ""


@dataclass(frozen=True)
class Change:
    """One item that an operator rewrote: a stretch around the first difference. ``before`` is empty where it was
    masked."""

    id: str
    operator: str
    before: str
    after: str


@dataclass(frozen=True)
class Trace:
    """What one operator did: counts, seconds, reasons; ``changed`` counts items it rewrote."""

    operator: str
    before: int
    after: int
    dropped: int
    changed: int
    seconds: float
    reasons: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """An operator's result. ``items`` is a list of passages or of samples, in their order."""

    items: list[Any]
    drops: list[Drop] = field(default_factory=list)
    changed: int = 0
    numbers: dict[str, Any] = field(default_factory=dict)

    def trace(self, operator: str, before: int, seconds: float) -> Trace:
        reasons = dict(Counter(drop.reason for drop in self.drops))
        return Trace(operator, before, len(self.items), len(self.drops), self.changed, seconds, reasons, self.numbers)
