"""``manage.py knowledge reread``: chosen documents of a collection, read again into the index in use."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from liaoyuan.accounts.selectors import organization_by_name
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import InvalidInput
from liaoyuan.knowledge.errors import DocumentUnknown
from liaoyuan.knowledge.identity import identify
from liaoyuan.knowledge.models import Collection, Document
from liaoyuan.knowledge.rules import are_outdated
from liaoyuan.knowledge.selectors import collection_by_name
from liaoyuan.knowledge.services.rereading import documents_reread
from liaoyuan.knowledge.shadow.pending import indexed_versions
from liaoyuan.pipeline.models import StageRun
from liaoyuan.pipeline.services import stage_run_execute


def reread_arguments(parser: ArgumentParser) -> None:
    """Which documents; --organization and --collection are added by the command."""
    parser.add_argument("documents", nargs="*", metavar="FILE|DOCUMENT-ID", help="names or ids of documents")
    parser.add_argument("--older", action="store_true", help="those that an older version of the platform read or cut")
    parser.add_argument("--here", action="store_true", help="read in this process instead of leaving it to a worker")


def reread_verb(options: dict[str, Any]) -> dict[str, Any]:
    """One JSON-ready answer. Raises InvalidInput, DocumentUnknown, NothingToReread."""
    organization_id = organization_by_name(options["organization"]).id
    with tenant_context(organization_id):
        collection = collection_by_name(options["collection"])
        wanted = {each.id: each.name for each in _wanted(collection, options)}
        run = documents_reread(collection=collection, document_ids=list(wanted))
    if options["here"]:
        stage_run_execute(run_id=run.id, worker="command")
    with tenant_context(organization_id):
        run = StageRun.objects.get(id=run.id)
    counts = {name: run.result[name] for name in ("ready", "rejected", "edits_lost") if name in run.result}
    return {"run": str(run.id), "state": run.state, "documents": sorted(wanted.values())} | counts


def _wanted(collection: Collection, options: dict[str, Any]) -> list[Document]:
    documents = Document.objects.filter(collection=collection, erased_at__isnull=True)
    if options["older"]:
        stale = indexed_versions(collection.id).filter(are_outdated()).values("document_id")
        return list(documents.filter(id__in=stale))
    if not options["documents"]:
        raise InvalidInput(detail="name at least one document, or give --older")
    return [_named(documents, text) for text in options["documents"]]


def _named(documents: "QuerySet[Document]", text: str) -> Document:
    try:
        found = documents.filter(id=UUID(text)).first()
    except ValueError:
        names = {text, identify(text).name, identify(Path(text).name).name}
        found = documents.filter(name__in=names).first()
    if found is None:
        raise DocumentUnknown(name=text)
    return found
