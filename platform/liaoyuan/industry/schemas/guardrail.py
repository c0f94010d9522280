"""The guardrail policy of a scenario: what must be cited, refused and handed to a person."""

from typing import Literal

from pydantic import Field

from liaoyuan.industry.schemas.base import FileName, Name, Spec, Text


class Refusal(Spec):
    """Questions that the scenario never answers.

    A term of ``lexicon`` in the question triggers it; ``message`` is the reply.
    """

    name: Name
    lexicon: FileName
    message: Text


class Escalation(Spec):
    """Words that call for a person at once. ``to`` says whom; ``message`` is shown before anything else.

    ``answer`` = whether the question is still answered below the message (a rule about emergencies may be asked for).
    """

    name: Name
    lexicon: FileName
    to: Text
    message: Text
    answer: bool = True


class GuardrailPolicy(Spec):
    """The policy as a whole. The platform's own rules (injection, PII, unsafe content) always apply beside it."""

    must_cite: bool = True
    must_ground: bool = True
    numbers_only_as_quoted: bool = True
    mask_pii_in_output: bool = True
    human_sign_off: Literal["never", "before-release", "every-answer"] = "before-release"
    must_refuse: tuple[Refusal, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    keyword_files: tuple[FileName, ...] = Field(default=())
    disclaimer: Text
    abstain: Text
