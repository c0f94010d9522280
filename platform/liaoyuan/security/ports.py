"""What the other stages get: the guardrail and the personal-data scanner, as `pipeline.ports` describes them."""

import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from liaoyuan.pipeline import ports
from liaoyuan.security.guard.engine import GuardDecision, decide
from liaoyuan.security.packs import policy_for
from liaoyuan.security.pii.mask import Pseudonymiser
from liaoyuan.security.pii.scanner import scan
from liaoyuan.security.pii.spans import PiiSpan


def pseudonym_key(purpose: str) -> bytes:
    """A 32-byte key of this installation for one purpose; tokens of two purposes cannot be linked."""
    return hmac.digest(settings.SECRET_KEY.encode(), f"pseudonyms:{purpose}".encode(), "sha256")


class GuardPort:
    """Serves ``pipeline.ports.Guard``."""

    def check(
        self,
        *,
        side: ports.Side,
        text: str,
        industry: str,
        scenario: str = "",
        context: Mapping[str, Any] | None = None,
    ) -> ports.GuardVerdict:
        """One decision by the scenario's policy. Raises IndustryError for a pack that is unknown or not in order."""
        policy = policy_for(industry, scenario)
        return verdict(decide(text, side=side, policy=policy, key=pseudonym_key(industry), context=context))


def verdict(decision: GuardDecision) -> ports.GuardVerdict:
    """A decision in the form that other stages know."""
    return ports.GuardVerdict(
        action=decision.action,
        text=decision.text,
        rules=decision.rules,
        score=decision.score,
        message_zh=decision.message_zh,
        message_en=decision.message_en,
        policy_version=decision.policy_version,
        may_answer=not decision.stops,
    )


class PiiPort:
    """Serves ``pipeline.ports.PiiScanner``."""

    def scan(self, text: str) -> Sequence[ports.PiiSpan]:
        return [_span(span) for span in scan(text)]

    def mask(self, text: str, *, key: bytes) -> tuple[str, Sequence[ports.PiiSpan]]:
        """The text with every value replaced by its pseudonym under ``key`` (16 bytes or more), and what was found."""
        spans = scan(text)
        return Pseudonymiser(key).mask(text, spans), [_span(span) for span in spans]


def _span(span: PiiSpan) -> ports.PiiSpan:
    return ports.PiiSpan(span.start, span.end, span.label, span.value)
