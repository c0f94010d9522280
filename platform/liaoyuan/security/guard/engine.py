"""From findings to one decision. Pure: the same text, side, policy and context give the same decision."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from liaoyuan.security.guard.checks import CHECKS, Hit, view
from liaoyuan.security.guard.policy import CompiledPolicy
from liaoyuan.security.pii.mask import HAN, Pseudonymiser
from liaoyuan.security.pii.spans import Label
from liaoyuan.security.policies.schema import Action, Side

# An attack on the model itself outranks an emergency, or the words of an emergency would open the door to it.
RANK = {"allow": 0, "flag": 1, "mask": 2, "block": 3, "escalate": 4}
ATTACK_RANK = 5
NEUTRAL = {"zh": "〔已隔离：资料中指使模型的语句〕", "en": "[neutralised: text addressed to the model]"}
LABELS = frozenset(label.value for label in Label)


@dataclass(frozen=True, slots=True)
class GuardDecision:
    """`text` is what may go on: masked or neutralised, "" where nothing may. `controls` are what the rules serve.

    An escalation whose rule lets the question be answered as well keeps its text; the message is to be shown first.
    """

    action: Action
    text: str
    rules: tuple[str, ...] = ()
    score: float = 0.0
    message_zh: str = ""
    message_en: str = ""
    policy_version: str = ""
    controls: tuple[str, ...] = ()

    @property
    def stops(self) -> bool:
        """Whether the text must not reach the model or the reader."""
        return self.action in ("block", "escalate") and not self.text


def decide(
    text: str, *, side: Side, policy: CompiledPolicy, key: bytes, context: Mapping[str, Any] | None = None
) -> GuardDecision:
    """Run the policy's checks of this side in order; `key` makes the pseudonyms of masked values."""
    seen = view(text, side, policy, context or {})
    hits: list[Hit] = []
    for check in policy.for_side(side):
        hits += CHECKS[check.kind](seen, check)
    if not hits:
        return GuardDecision("allow", text, policy_version=policy.version)
    top = max(hits, key=lambda hit: (_rank(hit), hit.score))
    kept = "" if _stopped(hits) else _masked(text, hits, key)
    messages = _messages(hits, top)
    return GuardDecision(
        action=top.action,
        text=kept,
        rules=tuple(dict.fromkeys(hit.rule for hit in sorted(hits, key=lambda hit: -_rank(hit)))),
        score=max(hit.score for hit in hits),
        message_zh=messages[0],
        message_en=messages[1],
        policy_version=policy.version,
        controls=tuple(dict.fromkeys(hit.control for hit in hits)),
    )


def text_digest(text: str) -> str:
    """How a decision remembers its text: never the text itself."""
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()


def _rank(hit: Hit) -> int:
    return ATTACK_RANK if hit.action == "block" and hit.rule.startswith("injection:") else RANK[hit.action]


def _stopped(hits: list[Hit]) -> bool:
    return any(hit.action == "block" or (hit.action == "escalate" and not hit.answer) for hit in hits)


def _messages(hits: list[Hit], top: Hit) -> tuple[str, str]:
    """The decisive message first; an emergency is told whatever else was found."""
    shown = [top.message, *(hit.message for hit in hits if hit.action == "escalate")]
    return " ".join(dict.fromkeys(m.zh for m in shown)), " ".join(dict.fromkeys(m.en for m in shown))


def _masked(text: str, hits: list[Hit], key: bytes) -> str:
    language = "zh" if HAN.search(text) else "en"
    pseudonyms = Pseudonymiser(key)
    spans = sorted({span for hit in hits if hit.action == "mask" for span in hit.spans})
    parts: list[str] = []
    end = 0
    for start, stop, label in _merged(spans):
        parts.append(text[end:start])
        if label in LABELS:
            parts.append(pseudonyms.token(label, text[start:stop], language=language))
        elif label == "remote":
            parts.append("")
        else:
            parts.append(label * (stop - start) if label else NEUTRAL[language])
        end = stop
    return "".join([*parts, text[end:]])


def _merged(spans: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Overlapping spans joined, the first one's label kept."""
    merged: list[tuple[int, int, str]] = []
    for start, end, label in spans:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]), merged[-1][2])
        else:
            merged.append((start, end, label))
    return merged
