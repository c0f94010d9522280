"""``manage.py knowledge indexes|reindex``: look at the generations of an index, build, swap and drop one."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import InvalidInput, NotFound
from liaoyuan.knowledge.models import SearchIndex
from liaoyuan.knowledge.rules import CUTTING, are_outdated, reading_rules
from liaoyuan.knowledge.selectors import collection_by_name
from liaoyuan.knowledge.services.reindexing import SWAPS, generation_drop, generation_swap, reindex_start
from liaoyuan.knowledge.settings import CollectionSettings, settings_read
from liaoyuan.knowledge.shadow.pending import indexed_versions
from liaoyuan.knowledge.shadow.selectors import Generation, collection_settings, generations_of
from liaoyuan.pipeline.models import StageRun
from liaoyuan.pipeline.services import stage_run_execute


def reindex_arguments(parser: ArgumentParser) -> None:
    """What ``reindex`` takes: settings for a new generation, or a generation to swap in or to drop."""
    parser.add_argument("--embedder", help="name of the embedding model")
    parser.add_argument("--target", type=int, help="usual length of a chunk in tokens")
    parser.add_argument("--limit", type=int, help="longest chunk in tokens; 0: all that the model reads")
    parser.add_argument("--ocr", choices=["auto", "always", "never"], help="recognise text in pictures")
    parser.add_argument("--settings", type=Path, help="a JSON file of settings instead")
    parser.add_argument("--swap", choices=SWAPS, default=SWAPS[0], help="who puts it in place")
    parser.add_argument("--put", type=int, metavar="NUMBER", help="put this generation in place")
    parser.add_argument("--drop", type=int, metavar="NUMBER", help="remove this generation")
    parser.add_argument("--here", action="store_true", help="build in this process instead of leaving it to a worker")


def indexes_show(organization_id: UUID, collection: str) -> dict[str, Any]:
    """The generations of a collection's index."""
    with tenant_context(organization_id):
        found = collection_by_name(collection)
        return {"collection": collection, "indexes": [_told(each) for each in generations_of(found.id)]}


def outdated_show(organization_id: UUID, collection: str) -> dict[str, Any]:
    """The documents of a collection that stand in its index as older rules read or cut them."""
    with tenant_context(organization_id):
        found = collection_by_name(collection)
        versions = indexed_versions(found.id).select_related("document").order_by("document__name", "number")
        older = [
            {
                "document": version.document.name,
                "version": version.label,
                "parser": version.parser,
                "parser_today": reading_rules(version.media_type),
                "chunker": version.chunker,
                "chunker_today": CUTTING,
            }
            for version in versions.filter(are_outdated())
        ]
        return {"collection": collection, "documents": versions.count(), "older": older}


def reindex(organization_id: UUID, options: dict[str, Any]) -> dict[str, Any]:
    """Build, put in place or remove a generation; the answer shows all of them afterwards."""
    done: dict[str, Any] = {}
    with tenant_context(organization_id):
        collection = collection_by_name(options["collection"])
        run_id: UUID | None = None
        if options["drop"] is not None:
            index_id = _numbered(collection.id, options["drop"])
            done["dropped_chunks"] = generation_drop(collection_id=collection.id, index_id=index_id)
        elif options["put"] is not None:
            swap = generation_swap(collection_id=collection.id, index_id=_numbered(collection.id, options["put"]))
            done["swapped"], run_id = swap.swapped, swap.run.id if swap.run else None
        else:
            wanted = _wanted(collection_settings(collection), options)
            made = reindex_start(collection_id=collection.id, settings=wanted, swap=options["swap"])
            done["number"], run_id = made.number, made.run_id
    if run_id is not None:
        done["run"] = str(run_id)
        if options["here"]:
            stage_run_execute(run_id=run_id, worker="command")
        with tenant_context(organization_id):
            done["state"] = StageRun.objects.values_list("state", flat=True).get(id=run_id)
    return done | indexes_show(organization_id, options["collection"])


def _wanted(now: CollectionSettings, options: dict[str, Any]) -> CollectionSettings:
    """The collection's settings with what was given. Raises SettingsInvalid, InvalidInput."""
    if options["settings"] is not None:
        try:
            return settings_read(json.loads(options["settings"].read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise InvalidInput(detail=f"{options['settings']}: {error}") from error
    given = now.model_dump()
    given["embedder"] = options["embedder"] or given["embedder"]
    given["chunking"] |= {name: options[name] for name in ("target", "limit") if options[name] is not None}
    given["parser"] |= {"ocr": options["ocr"]} if options["ocr"] else {}
    return settings_read(given)


def _numbered(collection_id: UUID, number: int) -> UUID:
    found = SearchIndex.objects.filter(collection_id=collection_id, number=number).first()
    if found is None:
        raise NotFound
    return found.id


def _told(each: Generation) -> dict[str, Any]:
    index = each.index
    return {
        "number": index.number,
        "state": index.state,
        "embedder": index.embedder,
        "dimensions": index.dimensions,
        "settings": each.settings.index,
        "documents": each.documents,
        "chunks": each.chunks,
        "behind": each.behind,
        "older": each.older,
        "edits_lost": each.edits_lost,
        "scores": index.scores,
        "run": str(index.run_id) if index.run_id else None,
    }
