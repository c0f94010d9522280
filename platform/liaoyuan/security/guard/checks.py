"""One function per kind of check. Each reads the same view of a text and yields what it found; none decides."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from liaoyuan.security.guard.policy import CompiledPolicy
from liaoyuan.security.guard.sanitise import remote_content
from liaoyuan.security.keywords.bank import FILLER
from liaoyuan.security.normalise import Normalised, normalise
from liaoyuan.security.pii.scanner import scan
from liaoyuan.security.policies.schema import Action, Check, Message, Side
from liaoyuan.security.threats import rules
from liaoyuan.security.threats.classifier import classifier

# Invisible characters that people have reasons for (emoji joiners, a byte-order mark) stay below this share.
MAX_INVISIBLE_SHARE = 0.2
SENTENCE = re.compile(r"[^。！？!?\n]*[。！？!?\n]?")


@dataclass(frozen=True, slots=True)
class Hit:
    """`spans` are offsets in the original text to be hidden when the action is `mask`."""

    rule: str
    action: Action
    score: float
    control: str
    message: Message
    spans: tuple[tuple[int, int, str], ...] = ()
    answer: bool = True


@dataclass(frozen=True)
class View:
    """A text as the checks see it."""

    text: str
    form: Normalised
    side: Side
    policy: CompiledPolicy
    context: Mapping[str, Any]

    @property
    def document(self) -> bool:
        return self.side == "document"

    @cached_property
    def squeezed(self) -> str:
        """The plain form without the fillers that people put between Chinese characters."""
        return FILLER.sub("", self.form.text)

    def sentences(self, start: int, end: int) -> tuple[int, int, str]:
        """The whole sentences of the original around a span of the plain form, for neutralising."""
        first, last = self.form.original(start, max(end, start + 1))
        before = max((m.end() for m in re.finditer(r"[。！？!?\n]|\.\s", self.text[:first])), default=0)
        after = re.search(r"[。！？!?\n]|\.\s|$", self.text[last:])
        return before, last + (after.end() if after else 0), ""


def view(text: str, side: Side, policy: CompiledPolicy, context: Mapping[str, Any]) -> View:
    """Normalise once for all checks."""
    return View(text, normalise(text), side, policy, context)


def _hit(check: Check, rule: str, score: float, *spans: tuple[int, int, str]) -> Hit:
    return Hit(rule, check.action, round(score, 4), check.control, check.message, spans, answer=check.action != "block")


def hidden_text(seen: View, check: Check) -> Iterator[Hit]:
    """Instructions spelt in invisible tag characters, or a text that is mostly invisible."""
    if seen.form.hidden:
        yield _hit(check, "injection:hidden_text", 0.99)
    elif seen.form.invisible > 8 and seen.form.invisible > MAX_INVISIBLE_SHARE * len(seen.text):
        yield _hit(check, "injection:hidden_text", 0.9)


def injection_rules(seen: View, check: Check) -> Iterator[Hit]:
    for name, score, start, end in rules.matches(seen.form.text, document=seen.document):
        yield _hit(check, f"injection:{name}", score, seen.sentences(start, end))
    if not seen.document and seen.squeezed != seen.form.text:
        for name, score, _, _ in rules.matches(seen.squeezed, document=False):
            yield _hit(check, f"injection:{name}", score)


def injection_model(seen: View, check: Check) -> Iterator[Hit]:
    """Windows of a question; sentences of a document, so that neutralising costs no more than it must."""
    if seen.document:
        yield from _by_sentence(seen, check, "injection", "injection:model")
    else:
        yield from _classified(seen, check, "injection", "injection:model")


def unsafe_model(seen: View, check: Check) -> Iterator[Hit]:
    yield from _classified(seen, check, "unsafe", "unsafe:model")


def _classified(seen: View, check: Check, name: str, rule: str) -> Iterator[Hit]:
    model = classifier(name)
    score, _, _ = model.score(seen.squeezed if name == "injection" else seen.form.text)
    if score >= (check.threshold or model.limit(seen.form.text)):
        yield _hit(check, rule, score)


def directive_model(seen: View, check: Check) -> Iterator[Hit]:
    """Sentence by sentence: an order to an assistant is short and stands among harmless ones."""
    yield from _by_sentence(seen, check, "directive", "injection:directive")


def _by_sentence(seen: View, check: Check, name: str, rule: str) -> Iterator[Hit]:
    model = classifier(name)
    for score, start, end in model.by_sentence(seen.form.text):
        if score >= (check.threshold or model.limit(seen.form.text)):
            first, last = seen.form.original(start, end)
            yield _hit(check, rule, score, (first, last, ""))


def keywords(seen: View, check: Check) -> Iterator[Hit]:
    for found in seen.policy.keywords.find(seen.text):
        word = found.keyword
        action: Action = check.action if word.action == "block" else _action(word.action)
        yield Hit(
            word.rule,
            action,
            word.severity / 3,
            check.control,
            check.message,
            ((found.start, found.end, "＊"),),
            answer=action != "block",
        )


def _action(name: str) -> Action:
    known: dict[str, Action] = {"flag": "flag", "mask": "mask", "block": "block", "escalate": "escalate"}
    return known[name]


def topics(seen: View, check: Check) -> Iterator[Hit]:
    for topic in seen.policy.topics:
        if seen.side in topic.sides and topic.found(seen.squeezed):
            yield Hit(f"topic:{topic.name}", topic.action, 1.0, topic.control, topic.message, answer=topic.answer)


def pii(seen: View, check: Check) -> Iterator[Hit]:
    """The named labels; and those that only count beside one of them."""
    spans = scan(seen.text)
    found = [span for span in spans if span.label in check.labels]
    if found:
        found += [span for span in spans if span.label in check.with_identifier]
    for label in sorted({span.label for span in found}):
        chosen = [span for span in found if span.label == label]
        yield _hit(
            check,
            f"pii:{label.lower()}",
            max(span.score for span in chosen),
            *((s.start, s.end, s.label) for s in chosen),
        )


def remote(seen: View, check: Check) -> Iterator[Hit]:
    allowed = frozenset(seen.context.get("allowed_hosts", ()))
    for name, start, end in remote_content(seen.text, allowed):
        yield _hit(check, f"remote:{name}", 0.95, (start, end, "remote"))


def groundedness(seen: View, check: Check) -> Iterator[Hit]:
    """Told by the answerer: `context["grounded"]` False means that a claim or number is not in the evidence."""
    if seen.context.get("grounded") is False and not seen.context.get("abstained", False):
        yield _hit(check, "output:ungrounded", 0.8)


def citation(seen: View, check: Check) -> Iterator[Hit]:
    cited = seen.context.get("citations")
    count = len(cited) if isinstance(cited, (list, tuple)) else cited
    if count == 0 and not seen.context.get("abstained", False):
        yield _hit(check, "output:uncited", 0.8)


CHECKS: Mapping[str, Callable[[View, Check], Iterator[Hit]]] = {
    "hidden_text": hidden_text,
    "injection_rules": injection_rules,
    "injection_model": injection_model,
    "directive_model": directive_model,
    "unsafe_model": unsafe_model,
    "keywords": keywords,
    "topics": topics,
    "pii": pii,
    "remote_content": remote,
    "groundedness": groundedness,
    "citation": citation,
}
