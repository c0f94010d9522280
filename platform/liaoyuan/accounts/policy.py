"""Who may do what: one table, deny by default. Every channel (session, key, stream) asks :func:`require`."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from liaoyuan.accounts.models import Role
from liaoyuan.errors import LiaoyuanError, PermissionDenied

READ: Final = frozenset({
    "organization.view", "solution.view", "run.view", "document.view", "dataset.view", "model.view", "deployment.view",
    "lineage.view", "ask", "feedback.give",
})  # fmt: skip
BUILD: Final = frozenset({
    "solution.create", "solution.run", "run.cancel", "run.retry", "data.run", "training.run", "evaluation.run",
    "deployment.create", "trace.view", "operations.view", "security.view", "key.own",
})  # fmt: skip
CURATE: Final = frozenset({
    "document.import", "document.edit", "document.erase", "collection.create", "collection.settings", "source.manage",
    "question.edit", "data.run", "dataset.edit",
})  # fmt: skip
OVERSEE: Final = frozenset({"audit.view", "trace.view", "operations.view", "security.view", "member.view"})
GOVERN: Final = frozenset({"deployment.approve", "deployment.rollback", "member.view", "member.manage", "key.manage"})
EVERYTHING: Final = READ | BUILD | CURATE | OVERSEE | GOVERN | {"organization.settings"}

POLICY: Final[dict[str, frozenset[str]]] = {
    Role.OWNER: EVERYTHING,
    Role.STEWARD: READ
    | CURATE
    | {"run.cancel", "run.retry", "operations.view", "security.view", "trace.view", "key.own", "evaluation.run"},
    Role.DEVELOPER: READ | BUILD | CURATE - {"document.erase", "source.manage"},
    Role.ANNOTATOR: READ | {"dataset.edit", "document.edit", "question.edit"},
    Role.AUDITOR: READ - {"ask", "feedback.give"} | OVERSEE,
    Role.VIEWER: READ,
}
# Owner and steward answer for the documents themselves; everybody else sees what their groups allow.
SEE_ALL_DOCUMENTS: Final = frozenset({Role.OWNER.value, Role.STEWARD.value})


class ScopeMissing(LiaoyuanError):
    code = "scope_missing"
    zh = "该密钥没有“{action}”的权限范围。请用包含该范围的密钥。"
    en = "The key has no scope for “{action}”. Use a key that has it."
    status = 403


class OrganizationSuspended(LiaoyuanError):
    code = "organization_suspended"
    zh = "贵组织已被平台运维人员停用：数据都在，任务暂停。请联系平台运维人员恢复。"
    en = "Your organization was suspended by the platform's operator: nothing is lost, jobs wait. Ask the operator."
    status = 403


@dataclass(frozen=True)
class Principal:
    """Somebody who was authenticated, in one organization. ``scopes`` None means: not limited by a key."""

    user_id: UUID
    organization_id: UUID
    role: str
    groups: tuple[str, ...] = ()
    scopes: frozenset[str] | None = None
    channel: str = "session"
    suspended: bool = False

    @property
    def document_groups(self) -> tuple[str, ...] | None:
        """For ``tenant_context(groups=…)``: None where the role sees every document."""
        return None if self.role in SEE_ALL_DOCUMENTS else self.groups


def allowed(principal: Principal, action: str) -> bool:
    """Whether today's role allows ``action`` and, for a key, its scopes do too."""
    in_role = action in POLICY.get(principal.role, frozenset())
    return in_role and not principal.suspended and (principal.scopes is None or action in principal.scopes)


def require(principal: Principal, action: str) -> None:
    """Raise unless ``principal`` may do ``action``: PermissionDenied for the role, ScopeMissing for the key.

    OrganizationSuspended where an operator closed the organization, whatever the role.
    """
    if principal.suspended:
        raise OrganizationSuspended
    if action not in POLICY.get(principal.role, frozenset()):
        raise PermissionDenied(action=action)
    if not allowed(principal, action):
        raise ScopeMissing(action=action)
