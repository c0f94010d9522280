"""Questions about datasets and recipes."""

from uuid import UUID

from liaoyuan.data.errors import RecipeUnknown
from liaoyuan.data.models import DatasetVersion
from liaoyuan.errors import NotFound
from liaoyuan.industry.selectors import industry_list
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.selectors import version_artifacts
from liaoyuan.pipeline.contract import ArtifactRef


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
