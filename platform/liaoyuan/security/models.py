"""What was in force and what was proven: guardrail policy versions, compliance reports, the result of each control."""

from django.db import models

from liaoyuan.accounts.models import TenantModel


class GuardrailPolicyVersion(TenantModel):
    """The policy that a report measured, by the digest of everything that decides."""

    industry = models.CharField(max_length=40)
    scenario = models.CharField(max_length=80)
    version = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    checks = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "industry", "scenario", "sha256"], name="policy_version_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.industry}/{self.scenario} {self.sha256[:12]}"


class ComplianceReport(TenantModel):
    """The controls of one deployment at one time. A report that failed is kept as well, under the run that made it."""

    solution_id = models.UUIDField()
    deployment_id = models.UUIDField()
    run_id = models.UUIDField()
    attempt = models.PositiveSmallIntegerField(default=1)
    policy = models.ForeignKey(GuardrailPolicyVersion, on_delete=models.PROTECT, related_name="reports")
    passed = models.BooleanField()
    summary = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["organization", "deployment_id", "created_at"], name="compliance_recent")]

    def __str__(self) -> str:
        return f"{self.deployment_id} {'passed' if self.passed else 'failed'}"


class ControlResult(TenantModel):
    """One control of one report: what was measured, against what, and the evidence (counts, ids, queries; no text)."""

    report = models.ForeignKey(ComplianceReport, on_delete=models.CASCADE, related_name="controls")
    control = models.CharField(max_length=64)
    check_kind = models.CharField(max_length=40)
    title_zh = models.CharField(max_length=300)
    title_en = models.CharField(max_length=300)
    source = models.CharField(max_length=300)
    value = models.FloatField()
    threshold = models.FloatField()
    direction = models.CharField(max_length=8, choices=[("at_least", "at_least"), ("at_most", "at_most")])
    passed = models.BooleanField()
    seconds = models.FloatField(default=0)
    evidence = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "report", "control"], name="control_once")]

    def __str__(self) -> str:
        return f"{self.control} {self.value:.3f}"
