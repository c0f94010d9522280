"""What the API remembers of requests: the answers that a repeated ``Idempotency-Key`` gives again."""

from django.db import models

from liaoyuan.accounts.models import TenantModel


class RememberedAnswer(TenantModel):
    """One answered (or, ``status`` 0, still worked on) request.

    ``digest`` covers the caller and the key, ``fingerprint`` what was asked. The answer is sealed with the key itself,
    which is kept nowhere: an answer may hold a secret that is shown once.
    """

    digest = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    headers = models.JSONField(default=dict)
    sealed = models.BinaryField(default=b"")
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "digest"], name="remembered_answer_once")]
        indexes = [models.Index(fields=["organization", "expires_at"], name="remembered_answer_expiry")]

    def __str__(self) -> str:
        return f"{self.digest[:12]} {self.status}"
