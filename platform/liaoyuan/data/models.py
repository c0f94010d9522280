"""Curated data: a dataset per solution or collection, and its immutable versions."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from liaoyuan.accounts.models import TenantModel


class Dataset(TenantModel):
    """A name under which versions follow each other."""

    name = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="dataset_name_once")]

    def __str__(self) -> str:
        return self.name


class DatasetVersion(TenantModel):
    """One immutable set of samples; its id is the artifact's.

    ``inputs_sha256`` covers documents, recipe, gate questions and operator code: the same inputs give the same version
    again. ``groups`` is inherited from the documents: whoever may not read all of them may not read this.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    inputs_sha256 = models.CharField(max_length=64)
    recipe = models.JSONField()
    counts = models.JSONField()
    trace = models.JSONField()
    groups = ArrayField(models.CharField(max_length=64), default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "dataset", "number"], name="dataset_version_number_once"),
        ]
        indexes = [models.Index(fields=["organization", "inputs_sha256"], name="dataset_version_inputs")]

    def __str__(self) -> str:
        return f"{self.dataset_id}#{self.number}"
