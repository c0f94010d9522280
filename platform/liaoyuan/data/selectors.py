"""Questions about datasets and recipes."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.data.errors import RecipeUnknown
from liaoyuan.data.models import DatasetVersion
from liaoyuan.errors import NotFound
from liaoyuan.industry.selectors import industry_list
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.knowledge.selectors import version_artifacts
from liaoyuan.pipeline.contract import ArtifactRef
from liaoyuan.pipeline.models import Artifact, Lineage, StageRun
from liaoyuan.pipeline.selectors import artifact_get
from liaoyuan.pipeline.storage import storage


def recipe_scenario(name: str) -> tuple[str, str]:
    """Industry and scenario whose data recipe is called ``name``. Raises RecipeUnknown, which lists the known."""
    known = {s.recipe.name: (pack.name, s.name) for pack in industry_list() for s in pack.scenarios.values()}
    if name not in known:
        raise RecipeUnknown(name=name, known=", ".join(sorted(known)))
    return known[name]


def version_by_inputs(inputs_sha256: str) -> DatasetVersion | None:
    """The newest version made from exactly these inputs, or None."""
    return DatasetVersion.objects.filter(inputs_sha256=inputs_sha256).order_by("-created_at").first()


def version_get(version_id: UUID) -> DatasetVersion:
    """One version. Raises NotFound for a missing or foreign one."""
    found = DatasetVersion.objects.select_related("dataset").filter(id=version_id).first()
    if found is None:
        raise NotFound
    return found


def documents_in_force(collection_id: UUID | None) -> list[ArtifactRef]:
    """References to the artifacts of the collection's versions in force, by name; blocks are in storage."""
    return version_artifacts(collection_id)


def collection_name(collection_id: UUID | None) -> str:
    """What people call the collection; empty where there is none."""
    found = Collection.objects.filter(id=collection_id).first() if collection_id else None
    return found.name if found else ""


def version_of_run(run: StageRun) -> DatasetVersion | None:
    """The dataset version that a data run made or gave again, or None."""
    ids = [item["id"] for item in run.result.get("artifacts", []) if item["kind"] == "dataset_version"]
    return DatasetVersion.objects.select_related("dataset").filter(id__in=ids).first()


def version_rows(version_id: UUID) -> list[dict[str, Any]]:
    """The samples of a version in order, the examination's questions last under the split ``gate``. Raises NotFound.

    Ask :func:`rows_readable` before somebody sees them.
    """
    return _lines(storage().open_path(artifact_get(version_id).uri))


def curation_rows(version_id: UUID, name: str) -> list[dict[str, Any]]:
    """``drops`` or ``changes`` of the curation behind a version; empty where an older one kept none."""
    edges = Lineage.objects.filter(parent_kind="dataset_version", parent_id=version_id, child_kind="curation_trace")
    found = Artifact.objects.filter(id__in=edges.values("child_id")).exclude(uri="").order_by("-created_at").first()
    path = storage().open_path(found.uri) / f"{name}.jsonl" if found else None
    return _lines(path) if path is not None and path.exists() else []


def rows_readable(rows: Sequence[dict[str, Any]], version_id: UUID) -> list[dict[str, Any]]:
    """Those of ``rows`` (samples, drops or changes) whose documents the caller may read, by the search's own rule.

    A row that names no document of its own is seen only by who may read every document behind the version.
    """
    if current_tenant().groups is None:
        return list(rows)
    parents = Lineage.objects.filter(
        child_kind="dataset_version", child_id=version_id, parent_kind="document_version"
    ).values_list("parent_id", flat=True)
    behind = {str(identifier) for identifier in parents}
    named = [_documents_of(row) for row in rows]
    asked = behind.union(*named) if named else behind
    readable = {str(found) for found in versions_readable().filter(id__in=asked).values_list("id", flat=True)}
    return [row for row, own in zip(rows, named, strict=True) if row_readable(row, own, behind, readable)]


def row_readable(row: dict[str, Any], own: set[str], behind: set[str], readable: set[str]) -> bool:
    """An examination question is the pack's, not a document's; any other row needs its documents, or all of them."""
    return row.get("split") == "gate" or (own or behind) <= readable


def _documents_of(row: dict[str, Any]) -> set[str]:
    """Ids of the document versions that a sample or a dropped passage comes from."""
    source = row.get("source") or {}
    named = {source.get("document_version_id"), source.get("question_document_version_id")}
    passages = {str(row.get(key, "")).partition(":") for key in ("id", "like")}
    return {str(value) for value in named if value} | {name for name, colon, _ in passages if colon}


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
