"""Questions about collections and documents; nothing here writes."""

from datetime import date
from pathlib import Path
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from liaoyuan.knowledge.errors import CollectionUnknown, DocumentUnknown
from liaoyuan.knowledge.identity import identify
from liaoyuan.knowledge.models import PUBLISHED, Chunk, Collection, DocumentVersion, IndexState
from liaoyuan.knowledge.parse.blocks import ParsedDocument
from liaoyuan.pipeline.contract import ArtifactRef
from liaoyuan.pipeline.models import Artifact
from liaoyuan.pipeline.services.lineage import artifact_ref
from liaoyuan.pipeline.storage import file_sha256, storage


def collection_by_name(name: str) -> Collection:
    """The collection called ``name`` in the current organization. Raises CollectionUnknown."""
    found = Collection.objects.filter(name=name.strip()).first()
    if found is None:
        raise CollectionUnknown(name=name)
    return found


def in_force_on(day: date) -> Q:
    """The condition on a version by which searches of that day find it: published, and by its days, not its state."""
    begun = Q(effective_from__isnull=True) | Q(effective_from__lte=day)
    lasts = Q(effective_to__isnull=True) | Q(effective_to__gt=day)
    return Q(state__in=PUBLISHED) & begun & lasts


def versions_in_force(collection_id: UUID, day: date | None = None) -> QuerySet[DocumentVersion]:
    """The versions that answers rest on now, or did on ``day``, one a document, by document name."""
    versions = DocumentVersion.objects.filter(document__collection_id=collection_id)
    versions = versions.filter(in_force_on(day or timezone.localdate()))
    return versions.select_related("document").order_by("document__name")


def version_of_file(collection_id: UUID, path: Path) -> DocumentVersion:
    """The indexed version that came from this very file: by content where it is at hand, else by name. Raises
    DocumentUnknown."""
    versions = DocumentVersion.objects.filter(document__collection_id=collection_id).exclude(blocks_key="")
    found = versions.filter(sha256=file_sha256(path)).order_by("-number").first() if path.is_file() else None
    names = {identify(str(path)).name, identify(path.name).name}
    found = found or versions.filter(document__name__in=names).order_by("-number").first()
    if found is None:
        raise DocumentUnknown(name=path.name)
    return found


def parsed_document(version: DocumentVersion) -> ParsedDocument:
    """The blocks of a version, as they were parsed."""
    key = version.blocks_key.removesuffix("blocks.jsonl") + "parsed.json"
    return ParsedDocument.from_json(storage().open_path(key).read_text(encoding="utf-8"))


def chunks_of(version_id: UUID) -> QuerySet[Chunk]:
    """A version's chunks in reading order, as the live generation of the index has them."""
    return Chunk.objects.filter(version_id=version_id, index__state=IndexState.LIVE).order_by("ordinal", "sub_ordinal")


def version_artifacts(collection_id: UUID | None) -> list[ArtifactRef]:
    """References to the blocks of the versions in force, by document name; what the data stage curates from.

    ``uri`` is a ``blocks.jsonl``: one line a block, as :meth:`Block.as_dict` gives it. Empty where there is no
    collection.
    """
    versions = list(versions_in_force(collection_id)) if collection_id else []
    rows = Artifact.objects.in_bulk([version.id for version in versions])
    return [artifact_ref(rows[version.id]) for version in versions if version.id in rows]
