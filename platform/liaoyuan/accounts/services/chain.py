"""The audit chain's next link."""

from typing import Any
from uuid import UUID

from liaoyuan.accounts.audit import append
from liaoyuan.accounts.models import AuditEvent


def audit_record(
    *, action: str, object_kind: str, object_id: UUID | str, detail: dict[str, Any] | None = None
) -> AuditEvent:
    """Append one link to the current organization's chain; it lands or falls with the surrounding transaction."""
    return append(action=action, object_kind=object_kind, object_id=str(object_id), detail=detail or {})
