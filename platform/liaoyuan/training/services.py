"""Write to the model registry. Call these inside ``tenant_context``."""

from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.pipeline.base_models import BaseModelFile
from liaoyuan.pipeline.contract import ArtifactRef, NewArtifact, Parent
from liaoyuan.pipeline.services.lineage import artifact_register
from liaoyuan.training.models import BaseModel, ModelVersion, TrainingRun


def base_model_id(sha256: str) -> UUID:
    """The id of the base whose file has this SHA-256: the same on every installation."""
    return uuid5(NAMESPACE_URL, f"urn:liaoyuan:base-model:{sha256}")


def base_model_ensure(*, file: BaseModelFile, sha256: str) -> BaseModel:
    """The registry row of ``file``, written at its first use."""
    found, _ = BaseModel.objects.get_or_create(
        id=base_model_id(sha256),
        defaults={
            "name": file.name,
            "sha256": sha256,
            "licence": file.licence,
            "parameters": file.parameters,
            "context_length": int(file.metadata.get("llama.context_length", 0)),
            "languages": list(file.languages),
        },
    )
    return found


def base_model_trace(*, base: BaseModel) -> None:
    """Make the base a node of this tenant's lineage."""
    meta = {"sha256": base.sha256, "licence": base.licence, "parameters": base.parameters}
    # A node's id is unique in the installation, the base's is not unique to a tenant.
    identifier = base_artifact_id(base.id)
    artifact_register(item=NewArtifact("base_model", base.name, (), id=identifier, meta=meta))


def base_artifact_id(base_id: UUID) -> UUID:
    """The id under which the current tenant's lineage knows a base."""
    return uuid5(base_id, str(current_tenant().organization_id))


def model_version_create(*, ref: ArtifactRef, base_id: UUID, made: dict[str, Any]) -> ModelVersion:
    """Register an adapter under its artifact's id; ``made`` holds dataset_version_id, name, adapter_sha256,
    metrics, …
    """
    organization_id = current_tenant().organization_id
    return ModelVersion.objects.create(id=ref.id, organization_id=organization_id, base_id=base_id, uri=ref.uri, **made)


def training_run_create(*, ref: ArtifactRef, base_id: UUID, made: dict[str, Any]) -> TrainingRun:
    """Register a finished training under its report's id."""
    organization_id = current_tenant().organization_id
    return TrainingRun.objects.create(id=ref.id, organization_id=organization_id, base_id=base_id, **made)


def lineage_parents(*, base_id: UUID, dataset_version_id: UUID) -> tuple[Parent, ...]:
    """What a training rests on."""
    return (
        Parent("dataset_version", dataset_version_id, "trained_on"),
        Parent("base_model", base_artifact_id(base_id), "adapts"),
    )
