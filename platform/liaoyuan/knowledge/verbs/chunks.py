"""``manage.py knowledge chunks``: a document's chunks, what people made of them, and changing one, as on its page."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from liaoyuan.accounts.models import User
from liaoyuan.accounts.policy import require
from liaoyuan.accounts.resolver import principal_from_session
from liaoyuan.accounts.selectors import organization_by_name
from liaoyuan.accounts.tenancy import Tenant, tenant_context
from liaoyuan.errors import InvalidInput, NotFound
from liaoyuan.knowledge.context import edit_marks
from liaoyuan.knowledge.edits.groups import chunk_tag
from liaoyuan.knowledge.edits.models import ChunkEdit
from liaoyuan.knowledge.edits.selectors import (
    LostEdit,
    chunk_readable,
    edit_counts,
    edit_history,
    live_chunks,
    lost_edits,
)
from liaoyuan.knowledge.models import Chunk, DocumentVersion
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.knowledge.selectors import collection_by_name, version_of_file
from liaoyuan.knowledge.services.editing import Changed, chunk_edit, chunk_enable


def chunks_arguments(parser: ArgumentParser) -> None:
    """A document to look at, or a chunk to change; --organization and --collection are added by the command."""
    parser.add_argument("document", nargs="?", help="a file that was imported, or a document's id")
    parser.add_argument("--page", type=int, help="only the chunks of this page")
    parser.add_argument("--text-file", type=Path, help="the new text for --edit, UTF-8")
    parser.add_argument("--tag", help="the state that was seen: refused if somebody changed the chunk meanwhile")
    parser.add_argument("--user", help="e-mail address of the member who looks or changes (default: the system)")
    act = parser.add_mutually_exclusive_group()
    act.add_argument("--edit", type=UUID, metavar="ID", help="put the words of --text-file in the place of this chunk")
    act.add_argument("--disable", type=UUID, metavar="ID", help="let no question find this chunk")
    act.add_argument("--enable", type=UUID, metavar="ID", help="let questions find it again")
    act.add_argument("--history", action="store_true", help="who changed what in the document, newest first")
    act.add_argument("--lost", action="store_true", help="edits that a new parse or version could not take over")


def chunks_verb(options: dict[str, Any]) -> dict[str, Any]:
    """One JSON-ready answer. Raises what the services raise."""
    organization_id = organization_by_name(options["organization"]).id
    changes = any(options[name] for name in ("edit", "disable", "enable"))
    who = _who(organization_id, options["user"], "document.edit" if changes else "document.view")
    return _change(who, options) if changes else _look(who, options)


def _who(organization_id: UUID, email: str | None, action: str) -> Tenant:
    """The member, with the same rights as in the portal; else the system. Raises NotFound, PermissionDenied."""
    if not email:
        return Tenant(organization_id)
    user = User.objects.filter(email=email.lower()).first()
    if user is None:
        raise NotFound
    principal = principal_from_session(user, organization_id)
    require(principal, action)
    return Tenant(organization_id, user.id, principal.document_groups)


def _change(who: Tenant, options: dict[str, Any]) -> dict[str, Any]:
    chunk_id, tag = options["edit"] or options["disable"] or options["enable"], options["tag"]
    with tenant_context(who.organization_id, who.user_id, groups=who.groups):
        if chunk_readable(chunk_id).version.document.collection_id != collection_by_name(options["collection"]).id:
            raise NotFound
    if options["edit"]:
        done = chunk_edit(who=who, chunk_id=chunk_id, text=_text(options["text_file"]), tag=tag)
    else:
        done = chunk_enable(who=who, chunk_id=chunk_id, enabled=bool(options["enable"]), tag=tag)
    return _changed(who, done)


def _text(path: Path | None) -> str:
    if path is None:
        raise InvalidInput(detail="--text-file")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InvalidInput(detail=f"{path}: {error}") from error


def _changed(who: Tenant, done: Changed) -> dict[str, Any]:
    """What stands in the place of the chunk now."""
    with tenant_context(who.organization_id, who.user_id, groups=who.groups):
        version = _versions().get(id=done.version_id)
        return _head(version) | {"chunks": _told([chunk_readable(each) for each in done.chunk_ids])}


def _look(who: Tenant, options: dict[str, Any]) -> dict[str, Any]:
    if not options["document"]:
        raise InvalidInput(detail="DOCUMENT")
    with tenant_context(who.organization_id, who.user_id, groups=who.groups):
        version = _version(collection_by_name(options["collection"]).id, options["document"])
        if options["history"]:
            return _head(version) | {"edits": [_edit(each) for each in edit_history(version)]}
        if options["lost"]:
            return _head(version) | {"lost": [_lost(each) for each in lost_edits(version)]}
        rows = live_chunks(version)
        rows = rows if options["page"] is None else rows.filter(page=options["page"])
        return _head(version) | {"chunks": _told(list(rows))}


def _versions() -> Any:
    return versions_readable().select_related("document")


def _version(collection_id: UUID, named: str) -> DocumentVersion:
    """The newest version of a document by its id, else the one of a file. Raises NotFound, DocumentUnknown."""
    try:
        rows = _versions().filter(document_id=UUID(named)).order_by("-number")
    except ValueError:
        rows = _versions().filter(id=version_of_file(collection_id, Path(named)).id)
    found = rows.filter(document__collection_id=collection_id, document__erased_at__isnull=True).first()
    if not isinstance(found, DocumentVersion):
        raise NotFound
    return found


def _head(version: DocumentVersion) -> dict[str, Any]:
    counts = edit_counts(version)
    return {
        "document": version.document.name,
        "document_id": str(version.document_id),
        "version": version.label,
        "version_id": str(version.id),
        "counts": {name: getattr(counts, name) for name in counts.__slots__},
    }


def _told(rows: list[Chunk]) -> list[dict[str, Any]]:
    marks = edit_marks(rows)
    return [
        {
            "id": str(row.id),
            "tag": chunk_tag(row),
            "page": row.page,
            "locator": row.locator,
            "heading_path": list(row.heading_path),
            "text": row.text,
            "enabled": row.enabled,
            "origin": row.origin,
            "edited_by": mark.author if (mark := marks.get(str(row.id))) else "",
        }
        for row in rows
    ]


def _edit(row: ChunkEdit) -> dict[str, Any]:
    return {
        "at": row.created_at.isoformat(),
        "action": row.action,
        "author": row.author,
        "generation": row.index_number,
        "before": row.before,
        "after": row.after,
    }


def _lost(each: LostEdit) -> dict[str, Any]:
    return {
        "id": str(each.id),
        "reason": each.reason,
        "author": each.author,
        "at": each.at.isoformat(),
        "page": each.page,
        "locator": each.locator,
        "before": each.before,
        "after": each.after,
        "disabled": each.disabled,
        "near": str(each.near) if each.near else None,
    }
