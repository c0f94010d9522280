"""The only place that tells PostgreSQL for whom it works.

The setting is local to a transaction that the context opens itself, so a pooled connection can never carry one tenant's
context to the next user; without a context row-level security shows no row at all.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from django.db import connections, transaction

from liaoyuan.errors import LiaoyuanError

logger = logging.getLogger(__name__)
SYSTEM = "system"


class TenantContextMissing(LiaoyuanError):
    code = "tenant_context_missing"
    zh = "没有租户上下文：请在 tenant_context 内执行。"
    en = "No tenant context: run this inside tenant_context."
    status = 500


class TenantContextNested(TenantContextMissing):
    code = "tenant_context_nested"
    zh = "不能在一个组织的上下文中进入另一个组织。请先结束外层上下文。"
    en = "One organization's context cannot be entered inside another's. Leave the outer one first."


@dataclass(frozen=True)
class Tenant:
    """For whom the current code works. ``groups`` None means: all documents (owner, steward, system job)."""

    organization_id: UUID
    user_id: UUID | None = None
    groups: tuple[str, ...] | None = None


_current: ContextVar[Tenant | None] = ContextVar("liaoyuan_tenant", default=None)


def current_tenant() -> Tenant:
    """The tenant in force. Raises TenantContextMissing outside of :func:`tenant_context`."""
    tenant = _current.get()
    if tenant is None:
        raise TenantContextMissing
    return tenant


def current_person() -> UUID:
    """Whom the current code works for. Raises TenantContextMissing where it works for nobody in particular."""
    person = current_tenant().user_id
    if person is None:
        raise TenantContextMissing
    return person


@contextmanager
def tenant_context(
    organization_id: UUID | str,
    user_id: UUID | str | None = None,
    *,
    groups: Iterable[str] | None = None,
) -> Iterator[Tenant]:
    """Open a transaction in which only ``organization_id``'s rows exist.

    Nesting for the same organization joins the outer transaction (a savepoint); another organization inside is refused
    (TenantContextNested), since the outer rows would silently vanish. Inside a transaction that somebody else opened
    the setting is taken back at the end, so that it does not live on until that transaction commits.
    """
    tenant = Tenant(
        organization_id=UUID(str(organization_id)),
        user_id=UUID(str(user_id)) if user_id else None,
        groups=None if groups is None else tuple(groups),
    )
    outer = _current.get()
    if outer is not None and outer.organization_id != tenant.organization_id:
        raise TenantContextNested
    joins = transaction.get_connection().in_atomic_block
    token = _current.set(tenant)
    try:
        # On an exception the rollback, to the savepoint too, restores the setting as it was.
        with transaction.atomic():
            _tell_database(tenant)
            yield tenant
            if joins:
                _tell_database(outer)
    finally:
        _current.reset(token)


def _tell_database(tenant: Tenant | None) -> None:
    organization = str(tenant.organization_id) if tenant else ""
    user = str(tenant.user_id or "") if tenant else ""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT set_config('app.organization', %s, true), set_config('app.user', %s, true)",
            [organization, user],
        )


@contextmanager
def system_context(reason: str) -> Iterator[str]:
    """A transaction under the system role, for the few jobs that must see all tenants. Yields the database alias.

    What it may see is decided table by table, by policies ``TO liaoyuan_system`` (:mod:`liaoyuan.accounts.rls`).
    """
    logger.debug("system context: %s", reason)
    with transaction.atomic(using=SYSTEM):
        yield SYSTEM
