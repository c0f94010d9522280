"""What may be asked after an answer: found once the answer was told, so that nobody waits for it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.deployment.answering import Answered, Asker
from liaoyuan.deployment.models import Bundle, Deployment
from liaoyuan.deployment.telling import PASSING
from liaoyuan.industry.selectors import industry_get
from liaoyuan.knowledge.followups import follow_ups
from liaoyuan.pipeline import ports

logger = logging.getLogger(__name__)


def followed(*, asker: Asker, deployment: Deployment, answered: Answered, asked: Sequence[str]) -> Answered:
    """``answered`` with its follow-up questions; ``asked`` are the conversation's questions, this one last.

    None where the guardrail stepped in: who was sent to a person or refused is not invited to go on. A failure here
    leaves the answer as it is.
    """
    found = answered.found
    if found is None or answered.mode == "guarded" or answered.escalation:
        return answered
    try:
        bundle = deployment.bundle
        pack = industry_get(bundle.industry)
        with tenant_context(asker.organization_id, asker.user_id, groups=asker.groups):
            questions = follow_ups(
                bundle.collection_id,
                found,
                asked=[each for each in (*asked, answered.searched) if each],
                synonyms=pack.synonyms(bundle.scenario),
                fits=_passes(bundle),
            )
    except Exception:
        logger.exception("no follow-up questions could be found")
        return answered
    return replace(answered, follow_ups=tuple(questions))


def _passes(bundle: Bundle) -> Callable[[str], bool]:
    """Whether the guardrail lets a question in word for word: a document must not put another into one's mouth."""

    def passes(question: str) -> bool:
        verdict = ports.guard().check(
            side="input", text=question, industry=bundle.industry, scenario=bundle.scenario, context={}
        )
        return verdict.action in PASSING and verdict.text == question

    return passes
