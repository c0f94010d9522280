"""Questions to the model registry; read-only. Ask inside ``tenant_context``."""

from statistics import median
from uuid import UUID

from liaoyuan.pipeline.models import Artifact
from liaoyuan.training.errors import DatasetUnknown
from liaoyuan.training.models import TrainingRun

PAST = 10


def training_run_by_key(key_sha256: str) -> TrainingRun | None:
    """The newest finished training with the same dataset, base, recipe and engine whose artifacts still stand."""
    for found in TrainingRun.objects.filter(key_sha256=key_sha256).order_by("-created_at"):
        wanted = {found.id} | ({found.model_version_id} if found.model_version_id else set())
        if Artifact.objects.filter(id__in=wanted).count() == len(wanted):
            return found
    return None


def tokens_per_second_learned() -> float | None:
    """Median speed of this tenant's past trainings, whole run included; None when there is none."""
    rows = TrainingRun.objects.order_by("-created_at").values_list("tokens", "seconds")[:PAST]
    speeds = [tokens / seconds for tokens, seconds in rows if seconds > 0]
    return median(speeds) if speeds else None


def dataset_version_named(name: str) -> Artifact:
    """The dataset version with this id, or the newest of the dataset with this name. Raises DatasetUnknown."""
    versions = Artifact.objects.filter(kind="dataset_version")
    try:
        found = versions.filter(id=UUID(name)).first()
    except ValueError:
        found = versions.filter(name=name).order_by("-created_at").first()
    if found is None:
        raise DatasetUnknown(name=name)
    return found
