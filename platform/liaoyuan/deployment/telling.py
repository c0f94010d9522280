"""An answer as it grows: each sentence is told once it stands on the evidence and the guardrail let it pass."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from liaoyuan.knowledge.ground import may_stand
from liaoyuan.knowledge.text.sentences import sentences
from liaoyuan.pipeline import ports

Tell = Callable[[str], None]
PASSING = frozenset({"allow", "flag"})


@dataclass
class Teller:
    """Collects what was told; nothing told is ever taken back, so nothing unchecked is told."""

    tell: Tell
    allowed: Callable[[str], bool]
    told: str = ""
    stopped: bool = False

    def say(self, piece: str) -> bool:
        """Tell ``piece``; False (and silence from then on) where the guardrail would change or withhold it."""
        if self.stopped or not self.allowed(self.told + piece):
            self.stopped = True
            return False
        self.told += piece
        self.tell(piece)
        return True


def guard_allows(industry: str, scenario: str) -> Callable[[str], bool]:
    """Whether the output guard lets a text pass word for word. The whole answer is checked, and noted, at its end."""

    def allows(text: str) -> bool:
        verdict = ports.guard().check(side="output", text=text, industry=industry, scenario=scenario)
        return verdict.action in PASSING and verdict.text == text

    return allows


@dataclass
class Sifter:
    """Takes a model's text as it comes and passes on whole sentences that the evidence carries, each once.

    ``failed`` from the first sentence that it does not carry: the rest of the text is not wanted any more.
    """

    evidence: Sequence[str]
    teller: Teller
    text: str = ""
    failed: bool = False
    _sent: int = field(default=0, init=False)

    def take(self, piece: str, *, last: bool = False) -> None:
        """Add ``piece``; the last sentence is looked at only when it is finished."""
        self.text += piece
        parts = sentences(self.text)
        for part in parts if last else parts[:-1]:
            if self.failed or part.end <= self._sent:
                continue
            more = not last or part is not parts[-1]
            if not may_stand(self.text[: part.end], self.evidence, told=self._sent, more=more):
                self.failed = True
                return
            self.teller.say(self.text[self._sent : part.end])
            self._sent = part.end
