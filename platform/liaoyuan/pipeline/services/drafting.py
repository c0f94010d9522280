"""The solution that one person is still putting together, kept on the server: it survives reloads and other windows."""

from typing import Any
from uuid import UUID

from liaoyuan.accounts.tenancy import current_person, current_tenant
from liaoyuan.errors import NotFound
from liaoyuan.pipeline.errors import DraftChanged, DraftStarted
from liaoyuan.pipeline.models import SolutionDraft


def draft_open(*, industry: str) -> SolutionDraft:
    """A draft for ``industry``; one that the person opened and did not touch since is taken again."""
    person = current_person()
    untouched = SolutionDraft.objects.filter(user_id=person, industry=industry, scenario="", pipeline_id__isnull=True)
    return untouched.order_by("-created_at").first() or SolutionDraft.objects.create(
        organization_id=current_tenant().organization_id, user_id=person, industry=industry
    )


def draft_locked(draft_id: UUID, *, version: int | None = None) -> SolutionDraft:
    """One's own draft, locked until the transaction ends.

    Raises NotFound, DraftStarted after its start, DraftChanged when it is not the ``version`` that the person saw.
    """
    mine = SolutionDraft.objects.select_for_update().filter(user_id=current_person())
    draft = mine.filter(id=draft_id).first()
    if draft is None:
        raise NotFound
    if draft.pipeline_id is not None:
        raise DraftStarted
    if version is not None and version != draft.version:
        raise DraftChanged
    return draft


def draft_change(*, draft_id: UUID, **changes: Any) -> SolutionDraft:
    """Write what differs. Another industry drops the scenario with it. Raises NotFound, DraftStarted."""
    draft = draft_locked(draft_id)
    if changes.get("industry", draft.industry) != draft.industry:
        changes = {"scenario": ""} | changes
    different = {name: value for name, value in changes.items() if getattr(draft, name) != value}
    for name, value in different.items():
        setattr(draft, name, value)
    if different:
        draft.version += 1
        draft.save()
    return draft


def draft_discard(*, draft_id: UUID) -> None:
    """Throw the draft away. What it imported stays in its collection. Raises NotFound, DraftStarted."""
    draft_locked(draft_id).delete()
