"""The files of an import, one row each: a run of ten thousand files writes only the row that changed."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from liaoyuan.accounts.models import TenantModel


class ItemState(models.TextChoices):
    QUEUED = "queued", "排队"
    PARSING = "parsing", "正在解析"
    EMBEDDING = "embedding", "正在索引"
    READY = "ready", "就绪"
    PARTIAL = "partial", "部分就绪"
    REJECTED = "rejected", "未能读取"
    CANCELLED = "cancelled", "已取消"


ITEM_ACTIVE = frozenset({ItemState.PARSING, ItemState.EMBEDDING})
ITEM_OPEN = ITEM_ACTIVE | {ItemState.QUEUED}
ITEM_DONE = frozenset({ItemState.READY, ItemState.PARTIAL})
ITEM_AGAIN = frozenset({ItemState.REJECTED, ItemState.CANCELLED})


class ImportItem(TenantModel):
    """One file of an import run.

    State: queued → parsing → embedding → ready, partial or rejected; parsing → queued when its run stops in the middle
    or gives way; queued → cancelled; rejected, cancelled → queued by a person. Each is a guarded UPDATE, so that a
    file which somebody cancels is either not begun or finished, never both.
    ``path`` is where the bytes lie, for a file of an archive that of the archive, in which it is the ``member``-th.
    ``expected_seconds`` was learned from past files when the import was planned, ``share`` is what it took of the
    clock beside its neighbours, ``seconds`` what it took by itself.
    """

    collection = models.ForeignKey("knowledge.Collection", on_delete=models.CASCADE, related_name="+")
    run_id = models.UUIDField()
    requested_by = models.UUIDField(null=True, blank=True)
    position = models.PositiveIntegerField()
    path = models.TextField()
    member = models.PositiveIntegerField(null=True, blank=True)
    name = models.TextField()
    format = models.CharField(max_length=12, blank=True)
    size = models.BigIntegerField(default=0)
    state = models.CharField(max_length=12, choices=ItemState, default=ItemState.QUEUED)
    code = models.CharField(max_length=60, blank=True)
    reason_zh = models.TextField(blank=True)
    reason_en = models.TextField(blank=True)
    flags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    expected_seconds = models.FloatField(default=0)
    seconds = models.FloatField(default=0)
    share = models.FloatField(default=0)
    peak_memory_mb = models.FloatField(default=0)
    pages = models.PositiveIntegerField(default=0)
    blocks = models.PositiveIntegerField(default=0)
    chunks = models.PositiveIntegerField(default=0)
    document_id = models.UUIDField(null=True, blank=True)
    version_id = models.UUIDField(null=True, blank=True)
    version = models.PositiveIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["organization", "run_id", "state", "position"], name="import_item_line"),
            models.Index(fields=["organization", "collection", "-finished_at"], name="import_item_recent"),
            # Learning reads the newest of one format.
            models.Index(
                fields=["organization", "format", "-finished_at"],
                name="import_item_learned",
                condition=Q(state__in=["ready", "partial"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.state}"
