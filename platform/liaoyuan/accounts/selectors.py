"""Questions about accounts; nothing here writes."""

from liaoyuan.accounts.audit import ChainReport, walk
from liaoyuan.accounts.errors import OrganizationUnknown
from liaoyuan.accounts.models import AuditEvent, Organization
from liaoyuan.accounts.tenancy import system_context


def organization_by_name(name: str) -> Organization:
    """The organization called ``name``, for operators' commands. Raises OrganizationUnknown."""
    with system_context("organization by name") as alias:
        found = Organization.objects.using(alias).filter(name=name.strip()).first()
    if found is None:
        raise OrganizationUnknown(name=name)
    return found


def audit_verify() -> ChainReport:
    """Walk the current organization's audit chain from its first link.

    Truncation at the end shows against the anchored head (see ``audit anchor``), every other change shows here.
    """
    return walk(AuditEvent.objects.order_by("seq").iterator(chunk_size=2000))
