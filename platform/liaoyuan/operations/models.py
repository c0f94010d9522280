"""What happened: a trace per answer with its spans, feedback, and daily sums."""

from django.db import models

from liaoyuan.accounts.models import TenantModel


class Trace(TenantModel):
    """Everything about one question and its answer. Seconds; cost in the price book's currency."""

    solution_id = models.UUIDField(null=True, blank=True)
    deployment_id = models.UUIDField(null=True, blank=True)
    bundle_id = models.UUIDField(null=True, blank=True)
    user_id = models.UUIDField(null=True, blank=True)
    question = models.TextField()
    answer = models.TextField(blank=True)
    abstained = models.BooleanField(default=False)
    blocked = models.BooleanField(default=False)
    mode = models.CharField(max_length=24)
    model = models.CharField(max_length=120, blank=True)
    citations = models.JSONField(default=list)
    guard = models.JSONField(default=list)
    prompt_tokens = models.IntegerField(default=0)
    completion_tokens = models.IntegerField(default=0)
    seconds = models.FloatField(default=0)
    cost = models.FloatField(default=0)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "solution_id", "created_at"], name="trace_recent")]

    def __str__(self) -> str:
        return f"{self.id} {self.seconds:.2f}s"


class TraceSpan(TenantModel):
    """One timed step of a trace; ``start`` and ``seconds`` count from the trace's beginning."""

    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="spans")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=24)
    start = models.FloatField()
    seconds = models.FloatField()
    attributes = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "trace", "position"], name="span_position_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.seconds:.3f}s"


class FeedbackReason(models.TextChoices):
    """Why an answer was bad; each points to a part of the platform that can mend it."""

    WRONG = "wrong", "内容错误"
    INCOMPLETE = "incomplete", "不完整"
    OUTDATED = "outdated", "已过时"
    WRONG_SOURCE = "wrong_source", "引用不对"
    SHOULD_ABSTAIN = "should_abstain", "不该回答"
    SHOULD_ANSWER = "should_answer", "应该能答"
    UNSAFE = "unsafe", "不安全"
    OTHER = "other", "其他"


class Feedback(TenantModel):
    """One person's verdict on one answer; a second verdict replaces the first."""

    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="feedback")
    user_id = models.UUIDField()
    helpful = models.BooleanField()
    reason = models.CharField(max_length=20, choices=FeedbackReason, blank=True)
    comment = models.TextField(blank=True, max_length=2000)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "trace", "user_id"], name="feedback_once")]

    def __str__(self) -> str:
        return "helpful" if self.helpful else self.reason


class DailyRollup(TenantModel):
    """The sums of one UTC day of one solution; computed anew from the traces, so a second run changes nothing."""

    day = models.DateField()
    solution_id = models.UUIDField()
    answers = models.IntegerField()
    abstained = models.IntegerField()
    blocked = models.IntegerField()
    errors = models.IntegerField()
    prompt_tokens = models.BigIntegerField()
    completion_tokens = models.BigIntegerField()
    cost = models.FloatField()
    p50_seconds = models.FloatField()
    p95_seconds = models.FloatField()
    helpful = models.IntegerField()
    unhelpful = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "day", "solution_id"], name="rollup_once")]

    def __str__(self) -> str:
        return f"{self.day} {self.answers}"
