"""``manage.py knowledge source add|list|sync|rekey|remove``: what a collection follows, from the command line."""

import json
import sys
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.utils import timezone

from liaoyuan.accounts.selectors import organization_by_name
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import InvalidInput, NotFound
from liaoyuan.knowledge.services import collection_create
from liaoyuan.knowledge.sources.counting import counts_shown
from liaoyuan.knowledge.sources.models import Gone, Source, SourceItem, SourceKind
from liaoyuan.knowledge.sources.services import (
    SCHEDULES,
    SourceSpec,
    source_add,
    source_confirm,
    source_rekey,
    source_remove,
    source_sync,
)
from liaoyuan.pipeline.models import FINAL_STATES, StageRun
from liaoyuan.pipeline.services import stage_run_execute


def source_arguments(parser: ArgumentParser) -> None:
    """Options of all five; --organization and --collection are added by the command."""
    parser.add_argument("act", choices=["add", "list", "sync", "rekey", "remove"])
    parser.add_argument("--name", help="the source's name")
    parser.add_argument("--kind", choices=SourceKind.values)
    parser.add_argument("--settings", default="{}", help='JSON, e.g. {"root": "/srv/docs", "path": "制度"}')
    parser.add_argument("--credentials-stdin", action="store_true", help="read {access_key, secret_key} from stdin")
    parser.add_argument("--group", action="append", help="only members of this group may read; may be repeated")
    parser.add_argument("--gone", choices=Gone.values, default=Gone.END, help="what becomes of a deleted file")
    parser.add_argument("--every", type=int, choices=SCHEDULES, default=0, help="minutes between synchronizations")
    parser.add_argument("--draft", action="store_true", help="new versions wait for a person")
    parser.add_argument("--confirm", action="store_true", help="agree to the endings that the last run held back")
    parser.add_argument("--documents", choices=Gone.values, default=Gone.KEEP, help="of a removed source")


def source_verb(options: dict[str, Any]) -> dict[str, Any]:
    """One JSON-ready answer. Raises what the services raise."""
    acts = {"add": _add, "list": _list, "sync": _sync, "rekey": _rekey, "remove": _remove}
    organization = organization_by_name(options["organization"])
    return acts[options["act"]](organization.id, options)


def _add(organization_id: UUID, options: dict[str, Any]) -> dict[str, Any]:
    if not options["name"] or not options["kind"]:
        raise InvalidInput(detail="--name, --kind")
    spec = SourceSpec(
        name=options["name"],
        kind=options["kind"],
        settings=_json(options["settings"], "--settings"),
        credentials=_json(sys.stdin.read(), "stdin") if options["credentials_stdin"] else None,
        groups=options["group"] or (),
        gone=options["gone"],
        as_draft=options["draft"],
        every_minutes=options["every"],
    )
    with tenant_context(organization_id):
        collection = collection_create(name=options["collection"])[0]
        return _told(source_add(collection_id=collection.id, spec=spec))


def _list(organization_id: UUID, options: dict[str, Any]) -> dict[str, Any]:
    with tenant_context(organization_id):
        found = Source.objects.filter(collection__name=options["collection"]).order_by("name")
        return {"collection": options["collection"], "sources": [_told(source) for source in found]}


def _sync(organization_id: UUID, options: dict[str, Any]) -> dict[str, Any]:
    """Executed here, in this process, so that the command ends when the work does."""
    with tenant_context(organization_id):
        source = _named(options)
        start = source_confirm if options["confirm"] else source_sync
        run = start(source_id=source.id)
    stage_run_execute(run_id=run.id, worker="command")
    with tenant_context(organization_id):
        run = StageRun.objects.get(id=run.id)
        return _told(_named(options)) | {
            "run": str(run.id),
            "state": run.state,
            "ended": run.state in FINAL_STATES,
            "error": run.error,
        }


def _rekey(organization_id: UUID, options: dict[str, Any]) -> dict[str, Any]:
    """Another key, from standard input alone: an argument would stand in the list of processes."""
    if not options["credentials_stdin"]:
        raise InvalidInput(detail="--credentials-stdin")
    with tenant_context(organization_id):
        return _told(source_rekey(source_id=_named(options).id, credentials=_json(sys.stdin.read(), "stdin")))


def _remove(organization_id: UUID, options: dict[str, Any]) -> dict[str, Any]:
    with tenant_context(organization_id):
        source = _named(options)
        items = source_remove(source_id=source.id, documents=options["documents"])
        return {"removed": source.name, "items": items, "documents": options["documents"]}


def _named(options: dict[str, Any]) -> Source:
    found = Source.objects.filter(collection__name=options["collection"], name=options["name"] or "").first()
    if found is None:
        raise NotFound
    return found


def _told(source: Source) -> dict[str, Any]:
    """Never a credential."""
    return {
        "id": str(source.id),
        "name": source.name,
        "kind": source.kind,
        "settings": source.settings,
        "groups": source.groups,
        "every_minutes": source.every_minutes,
        "source_state": source.state,
        "held": source.held,
        "items": SourceItem.objects.filter(source=source).count(),
        "counts": counts_shown(source),
        "last_run_at": timezone.localtime(source.last_run_at).isoformat() if source.last_run_at else None,
    }


def _json(text: str, where: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InvalidInput(detail=where) from error
    if not isinstance(found, dict):
        raise InvalidInput(detail=where)
    return found
