"""The ledger: solutions, pipelines, runs with their events, the outbox, artifacts and their lineage."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from liaoyuan.accounts.models import TenantModel
from liaoyuan.pipeline.contract import StageName


class Solution(TenantModel):
    """One organization's instance of a scenario; it owns the pipelines."""

    name = models.CharField(max_length=120)
    industry = models.CharField(max_length=40)
    scenario = models.CharField(max_length=80)
    collection_id = models.UUIDField(null=True, blank=True)
    options = models.JSONField(default=dict, blank=True)
    created_by = models.UUIDField(null=True, blank=True)
    # Out of the lists, nothing lost: an archived solution can be looked at and brought back.
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="solution_name_once")]

    def __str__(self) -> str:
        return self.name


class DocumentSource(models.TextChoices):
    SAMPLE = "sample", "示例文档"
    UPLOAD = "upload", "上传文档"
    COLLECTION = "collection", "已有文档集"


class SolutionDraft(TenantModel):
    """A solution that one person is still putting together. It belongs to that person alone until it is started.

    ``version`` grows with every change: who starts a plan in one window must not start what another window changed.
    ``imports`` are the ingest runs that this draft began; ``pipeline_id`` is set once, by the start.
    """

    user_id = models.UUIDField()
    industry = models.CharField(max_length=40)
    scenario = models.CharField(max_length=80, blank=True)
    name = models.CharField(max_length=120, blank=True)
    source = models.CharField(max_length=12, choices=DocumentSource, blank=True)
    collection_id = models.UUIDField(null=True, blank=True)
    imports = ArrayField(models.UUIDField(), default=list, blank=True)
    version = models.PositiveIntegerField(default=1)
    solution_id = models.UUIDField(null=True, blank=True)
    pipeline_id = models.UUIDField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "user_id", "updated_at"], name="solution_draft_mine")]

    def __str__(self) -> str:
        return self.name or self.industry


class Pipeline(TenantModel):
    """One pass of a solution through the six stages."""

    solution = models.ForeignKey(Solution, on_delete=models.CASCADE, related_name="pipelines")
    number = models.PositiveIntegerField()
    requested_by = models.UUIDField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "solution", "number"], name="pipeline_number_once")
        ]

    def __str__(self) -> str:
        return f"{self.solution_id}#{self.number}"


class RunState(models.TextChoices):
    WAITING = "waiting", "等待"
    QUEUED = "queued", "排队"
    RUNNING = "running", "运行"
    CANCELLING = "cancelling", "正在取消"
    SUCCEEDED = "succeeded", "成功"
    FAILED = "failed", "失败"
    ERRORED = "errored", "出错"
    CANCELLED = "cancelled", "已取消"
    DEAD = "dead", "放弃"


FINAL_STATES = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.ERRORED, RunState.CANCELLED, RunState.DEAD})
ACTIVE_STATES = frozenset({RunState.RUNNING, RunState.CANCELLING})


class StageRun(TenantModel):
    """One durable run of one stage. The row is the truth; a message is only a doorbell.

    Legal transitions (each a guarded UPDATE; ``tests/integration/pipeline`` drives them all):

    ========== ========== ====================================================================
    from       to         when
    ========== ========== ====================================================================
    waiting    queued     the dependency succeeded, the quota or engine is asked again, or somebody approved
    waiting    cancelled  cancelled before it started
    queued     running    a worker claims it: fence + 1, attempt + 1, lease
    queued     cancelled  cancelled before it started
    running    succeeded  artifacts registered, in the same transaction
    running    failed     an expected failure that a retry cannot mend, or that came on the last attempt
    running    errored    a bug: an unexpected exception
    running    waiting    the stage raised WaitFor (the attempt is given back)
    running    queued     the lease ran out, or a retryable failure, and attempts are left; or the stage worked for a
                          slice and lets others go first (GiveWay: the attempt is given back)
    running    dead       the lease ran out on the last attempt
    running    cancelling somebody cancelled
    cancelling cancelled  the stage stopped, or its lease ran out
    failed     queued     retried by a person (likewise errored, cancelled and dead): attempts start anew
    failed     waiting    likewise, while the stage before it has not succeeded
    ========== ========== ====================================================================
    """

    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, null=True, blank=True, related_name="runs")
    solution = models.ForeignKey(Solution, on_delete=models.CASCADE, null=True, blank=True, related_name="runs")
    stage = models.CharField(max_length=16, choices=[(name.value, name.value) for name in StageName])
    queue = models.CharField(max_length=16)
    state = models.CharField(max_length=12, choices=RunState, default=RunState.WAITING)
    position = models.PositiveSmallIntegerField(default=0)
    attempt = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    fence = models.BigIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    queued_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    wait_kind = models.CharField(max_length=16, blank=True)
    wait_reason_zh = models.CharField(max_length=300, blank=True)
    wait_reason_en = models.CharField(max_length=300, blank=True)
    expected_seconds = models.FloatField(default=0)
    eta = models.DateTimeField(null=True, blank=True)
    progress = models.FloatField(default=0)
    message_zh = models.CharField(max_length=300, blank=True)
    message_en = models.CharField(max_length=300, blank=True)
    spec = models.JSONField(default=dict, blank=True)
    checkpoint = models.JSONField(default=dict, blank=True)
    result = models.JSONField(default=dict, blank=True)
    error = models.JSONField(default=dict, blank=True)
    idempotency_key = models.CharField(max_length=120, blank=True, default="")
    requested_by = models.UUIDField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="stage_run_once",
            )
        ]
        indexes = [
            models.Index(fields=["state", "queue", "queued_at"], name="stage_run_queue"),
            models.Index(fields=["state", "lease_until"], name="stage_run_lease"),
            models.Index(fields=["pipeline", "position"], name="stage_run_board"),
            # The operator's list of all tenants' runs, and its throughput of the last hour.
            models.Index(fields=["-created_at", "-id"], name="stage_run_recent"),
            models.Index(fields=["-finished_at"], name="stage_run_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.stage} {self.state}"


class StageEvent(TenantModel):
    """What happened to a run, append-only; ``seq`` feeds the live page (SSE's Last-Event-ID)."""

    id = None  # type: ignore[assignment]  # the sequence number is the key here
    seq = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(StageRun, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=24)
    data = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["organization", "run", "seq"], name="stage_event_feed")]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"


class NotificationCursor(TenantModel):
    """How far one person has read what happened: everything up to the event ``seq``."""

    user_id = models.UUIDField()
    seq = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "user_id"], name="notification_cursor_once")]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.seq}"


class Outbox(TenantModel):
    """A doorbell to be rung, written in the business transaction; the relay publishes it and notes when."""

    run = models.ForeignKey(StageRun, on_delete=models.CASCADE, related_name="doorbells")
    queue = models.CharField(max_length=16)
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["published_at", "created_at"], name="outbox_pending"),
            # The relay's choice: who waits in a queue, and the oldest of each.
            models.Index(
                fields=["queue", "organization", "created_at", "id"],
                name="outbox_line",
                condition=models.Q(published_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.queue} {self.run_id}"


class Artifact(TenantModel):
    """Something immutable that a run made, by kind; the app's own table may hold more about it under the same id."""

    kind = models.CharField(max_length=40)
    name = models.CharField(max_length=300)
    uri = models.CharField(max_length=500, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(default=0)
    meta = models.JSONField(default=dict)
    run = models.ForeignKey(StageRun, on_delete=models.SET_NULL, null=True, blank=True, related_name="artifacts")

    class Meta:
        indexes = [models.Index(fields=["organization", "kind", "created_at"], name="artifact_kind")]

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


class Lineage(TenantModel):
    """One edge of the graph from document page to answer and back."""

    parent_kind = models.CharField(max_length=40)
    parent_id = models.UUIDField()
    child_kind = models.CharField(max_length=40)
    child_id = models.UUIDField()
    relation = models.CharField(max_length=40)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "parent_kind", "parent_id", "child_kind", "child_id", "relation"],
                name="lineage_edge_once",
            )
        ]
        indexes = [
            models.Index(fields=["organization", "child_kind", "child_id"], name="lineage_up"),
            models.Index(fields=["organization", "parent_kind", "parent_id"], name="lineage_down"),
        ]

    def __str__(self) -> str:
        return f"{self.parent_kind} -{self.relation}-> {self.child_kind}"


class WorkerBeat(models.Model):
    """A sign of life of one worker process.

    Belongs to the machine, not to a tenant: it names queues and nothing else.
    """

    name = models.CharField(max_length=120, primary_key=True)
    queues = ArrayField(models.CharField(max_length=16))
    slots = models.PositiveSmallIntegerField(default=1)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
