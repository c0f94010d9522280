"""What stands in a generation of the index, version by version: by it a build goes on after a crash and catches up."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from liaoyuan.accounts.models import TenantModel


class IndexEntry(TenantModel):
    """One version in one generation.

    ``source`` says what it was built from (the moment at which the version was last indexed): an entry whose version
    says another one by now is built again. ``blocks_key`` is the reading that the chunks' spans point into; together
    with the counts it goes to the version when the generation goes live, and so do the rules that it was read and cut
    by. ``note`` is why an older reading was kept: it counts as read by the rules that could not read it. ``reused``
    chunks stand as they did in the live generation and were not embedded again.
    """

    index = models.ForeignKey("knowledge.SearchIndex", on_delete=models.CASCADE, related_name="entries")
    document_version = models.ForeignKey("knowledge.DocumentVersion", on_delete=models.CASCADE, related_name="entries")
    source = models.CharField(max_length=40)
    blocks_key = models.CharField(max_length=500)
    parser = models.PositiveSmallIntegerField(default=0, db_default=0)
    chunker = models.PositiveSmallIntegerField(default=0, db_default=0)
    chunks = models.PositiveIntegerField(default=0)
    reused = models.PositiveIntegerField(default=0, db_default=0)
    pages = models.PositiveIntegerField(default=0)
    blocks = models.PositiveIntegerField(default=0)
    flags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    lost = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0)
    note = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "index", "document_version"], name="index_entry_once")
        ]

    def __str__(self) -> str:
        return f"{self.index_id} {self.document_version_id}"
