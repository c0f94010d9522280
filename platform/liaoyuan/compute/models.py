"""What compute promised: plans, and the reservations that keep two pipelines from counting on the same memory."""

from django.db import models

from liaoyuan.accounts.models import TenantModel


class CapacityPlan(TenantModel):
    """The plan of one pipeline: engine, fit, seconds and cost by stage. Its id is the artifact's."""

    solution_id = models.UUIDField()
    engine = models.CharField(max_length=16)
    fits = models.BooleanField()
    seconds = models.FloatField()
    cost = models.FloatField()
    currency = models.CharField(max_length=3)
    body = models.JSONField()

    def __str__(self) -> str:
        return f"{self.engine} {self.seconds:.0f}s"


class Reservation(TenantModel):
    """Memory and cores promised to one solution until it is released or until it lapses."""

    solution_id = models.UUIDField()
    plan = models.ForeignKey(CapacityPlan, on_delete=models.CASCADE, related_name="reservations")
    memory_bytes = models.BigIntegerField()
    cores = models.FloatField()
    lapses_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["released_at", "lapses_at"], name="reservation_live")]

    def __str__(self) -> str:
        return f"{self.solution_id} {self.memory_bytes}"
