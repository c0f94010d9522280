"""What operators did: a hash chain of the platform's own, beside those of the organizations."""

import uuid

from django.db import models


class OperatorEvent(models.Model):
    """One link. Append-only; only the system role sees the table, so no tenant learns what operators do elsewhere.

    ``about`` is the organization concerned, if it was one; that organization's own chain has the same entry.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    seq = models.BigIntegerField(unique=True)
    actor = models.UUIDField()
    action = models.CharField(max_length=80)
    about = models.UUIDField(null=True, blank=True)
    object_kind = models.CharField(max_length=40, blank=True)
    object_id = models.CharField(max_length=120, blank=True)
    detail = models.JSONField(default=dict)
    at = models.DateTimeField()
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    class Meta:
        indexes = [
            models.Index(fields=["action", "object_id", "-seq"], name="operator_event_newest"),
            models.Index(fields=["about", "-seq"], name="operator_event_about"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.action}"
