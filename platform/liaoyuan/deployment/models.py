"""What is deployed and rolled back as one, what it had to pass, and which traffic it gets."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from liaoyuan.accounts.models import TenantModel


class Bundle(TenantModel):
    """Collection version + model version + prompt version + guardrail policy version, fixed by their hashes.

    Its id is the artifact's. ``groups`` is inherited: whoever may not read all documents behind it may not use it.
    """

    solution_id = models.UUIDField()
    number = models.PositiveIntegerField()
    collection_id = models.UUIDField()
    model_version_id = models.UUIDField(null=True, blank=True)
    model = models.CharField(max_length=120)
    industry = models.CharField(max_length=40)
    scenario = models.CharField(max_length=80)
    body = models.JSONField()
    sha256 = models.CharField(max_length=64)
    groups = ArrayField(models.CharField(max_length=64), default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "solution_id", "number"], name="bundle_number_once")
        ]

    def __str__(self) -> str:
        return f"bundle {self.number}"


class GateReport(TenantModel):
    """Every gate of one bundle: measured value, threshold, passed. Its id is the artifact's."""

    bundle = models.ForeignKey(Bundle, on_delete=models.CASCADE, related_name="reports")
    passed = models.BooleanField()
    source = models.CharField(max_length=24)
    questions = models.PositiveIntegerField()
    gates = models.JSONField()
    metrics = models.JSONField()

    def __str__(self) -> str:
        return "passed" if self.passed else "failed"


class DeploymentState(models.TextChoices):
    LIVE = "live", "上线"
    RETIRED = "retired", "下线"


class Deployment(TenantModel):
    """A bundle that a named person let go live. Its id is the artifact's."""

    bundle = models.ForeignKey(Bundle, on_delete=models.CASCADE, related_name="deployments")
    solution_id = models.UUIDField()
    state = models.CharField(max_length=8, choices=DeploymentState, default=DeploymentState.LIVE)
    approved_by = models.UUIDField()
    approved_at = models.DateTimeField()
    note = models.CharField(max_length=300, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.bundle_id} {self.state}"


class Route(TenantModel):
    """The name by which callers reach a solution; ``POST /v1/chat/completions`` calls it ``model``."""

    name = models.CharField(max_length=120)
    solution_id = models.UUIDField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="route_name_once"),
            models.UniqueConstraint(fields=["organization", "solution_id"], name="route_solution_once"),
        ]

    def __str__(self) -> str:
        return self.name


class RouteTarget(TenantModel):
    """One deployment behind a route, with its share of the traffic. A new one starts at full share or as a canary."""

    route = models.ForeignKey(Route, on_delete=models.CASCADE, related_name="targets")
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="targets")
    weight = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "route", "deployment"], name="route_target_once"),
            models.CheckConstraint(condition=models.Q(weight__lte=100), name="route_target_weight"),
        ]

    def __str__(self) -> str:
        return f"{self.deployment_id} {self.weight}%"


class Conversation(TenantModel):
    """One person's questions to one solution, in order. Nobody else sees it, whatever their role."""

    user_id = models.UUIDField()
    solution_id = models.UUIDField()
    title = models.CharField(max_length=120)
    touched_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [
            models.Index(fields=["organization", "user_id", "solution_id", "-touched_at"], name="conversation_recent")
        ]

    def __str__(self) -> str:
        return self.title


class TurnState(models.TextChoices):
    WORKING = "working", "回答中"
    ANSWERED = "answered", "已回答"
    FAILED = "failed", "失败"
    STOPPED = "stopped", "已停止"


class ConversationTurn(TenantModel):
    """One question and what became of it: working → answered, failed or stopped.

    ``question`` is kept with personal data masked, as in the trace. ``key`` names one sending of the form, so that the
    same one again gives the same turn. ``answer`` is what :class:`liaoyuan.deployment.answering.Answered` said.
    """

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="turns")
    key = models.UUIDField()
    question = models.TextField()
    state = models.CharField(max_length=10, choices=TurnState, default=TurnState.WORKING)
    answer = models.JSONField(default=dict, blank=True)
    error = models.JSONField(default=dict, blank=True)
    trace_id = models.UUIDField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="conversation_turn_once")]
        indexes = [models.Index(fields=["organization", "conversation", "created_at"], name="conversation_order")]

    def __str__(self) -> str:
        return self.question[:60]
