"""As whom a question may be tried: with fewer rights than one's own, never with more."""

from collections.abc import Sequence
from uuid import UUID

from liaoyuan.accounts.policy import Principal
from liaoyuan.knowledge.models import DocumentVersion


def groups_choosable(who: Principal, collection_id: UUID) -> list[str]:
    """The groups that some document of the collection names and that the visitor reads by."""
    rows = DocumentVersion.objects.filter(document__collection_id=collection_id).values_list("groups", flat=True)
    named = {name for groups in rows.distinct() for name in groups}
    return sorted(named if who.document_groups is None else named & set(who.document_groups))


def groups_of(who: Principal, chosen: Sequence[str]) -> tuple[str, ...] | None:
    """The groups to search by. Nothing chosen: one's own rights. "" stands for nobody's group."""
    if not chosen:
        return who.document_groups
    wanted = {name for name in chosen if name}
    return tuple(sorted(wanted if who.document_groups is None else wanted & set(who.document_groups)))
