"""Write dataset versions."""

from typing import Any

from django.db.models import Max

from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.data.models import Dataset, DatasetVersion
from liaoyuan.pipeline.contract import ArtifactRef


def dataset_version_create(*, name: str, ref: ArtifactRef, made: dict[str, Any]) -> DatasetVersion:
    """The next version of the dataset ``name`` under the artifact's id; called in the run's closing transaction.

    ``made`` holds inputs_sha256, recipe, counts, trace and groups.
    """
    organization_id = current_tenant().organization_id
    dataset, _ = Dataset.objects.select_for_update().get_or_create(organization_id=organization_id, name=name)
    last = dataset.versions.aggregate(last=Max("number"))["last"] or 0
    return DatasetVersion.objects.create(
        id=ref.id, organization_id=organization_id, dataset=dataset, number=last + 1, sha256=ref.sha256, **made
    )
