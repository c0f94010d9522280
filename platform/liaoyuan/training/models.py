"""The model registry: bases, runs with their numbers, and the adapters that came out well enough to serve."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from liaoyuan.accounts.models import TenantModel


class BaseModel(models.Model):
    """Weights that this installation can train on and serve: the same for every tenant, so no tenant's row.

    The id is derived from the file's SHA-256; ``parameters`` counts weights, ``context_length`` is in tokens.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64, unique=True)
    licence = models.CharField(max_length=60)
    parameters = models.BigIntegerField()
    context_length = models.PositiveIntegerField()
    languages = ArrayField(models.CharField(max_length=12))
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class ModelVersion(TenantModel):
    """One adapter that is better than its base and is served as it was trained; immutable. Its id is the artifact's.

    ``groups`` is inherited from the dataset: whoever may not read all documents behind it may not use it.
    """

    base = models.ForeignKey(BaseModel, on_delete=models.PROTECT, related_name="versions")
    dataset_version_id = models.UUIDField()
    name = models.CharField(max_length=120)
    adapter_sha256 = models.CharField(max_length=64)
    uri = models.CharField(max_length=500)
    metrics = models.JSONField()
    parity = models.JSONField()
    groups = ArrayField(models.CharField(max_length=64), default=list)

    class Meta:
        indexes = [models.Index(fields=["organization", "created_at"], name="model_version_newest")]

    def __str__(self) -> str:
        return self.name


class TrainingRun(TenantModel):
    """One finished training with all its numbers; its id is the report artifact's.

    ``key_sha256`` covers dataset, base, recipe (with its seed) and the engine's version: the same key gives the same
    result, so it is given again. ``model_version`` is empty where retrieval alone won.
    """

    run_id = models.UUIDField()
    base = models.ForeignKey(BaseModel, on_delete=models.PROTECT, related_name="runs")
    dataset_version_id = models.UUIDField()
    key_sha256 = models.CharField(max_length=64)
    recipe = models.JSONField()
    report = models.JSONField()
    parity = models.JSONField()
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, null=True, blank=True, related_name="training_runs"
    )
    seconds = models.FloatField()
    tokens = models.PositiveIntegerField()
    peak_memory_mb = models.FloatField()

    class Meta:
        indexes = [models.Index(fields=["organization", "key_sha256"], name="training_run_key")]

    def __str__(self) -> str:
        return str(self.id)
