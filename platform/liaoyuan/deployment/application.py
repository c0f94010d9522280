"""The deployed application as sibling stages see it: ask it one question as a user would."""

from uuid import UUID

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.deployment.answering import Asker, answer
from liaoyuan.deployment.selectors import deployment_get
from liaoyuan.pipeline.ports import Probe


class DeployedApplication:
    """Serves ``pipeline.ports.Application``."""

    def ask(self, *, organization_id: UUID, deployment_id: UUID, question: str) -> Probe:
        """One answer through guard, retrieval and grounding. Opens its own tenant context."""
        with tenant_context(organization_id):
            deployment = deployment_get(deployment_id)
        asker = Asker(organization_id=organization_id, user_id=None, groups=None)
        answered = answer(asker=asker, deployment=deployment, question=question)
        return Probe(
            text=answered.text, abstained=answered.abstained, citations=answered.citations, guard=answered.guard
        )
