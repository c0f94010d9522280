"""A source of documents and what was seen there."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from liaoyuan.accounts.models import TenantModel


class SourceKind(models.TextChoices):
    FOLDER = "folder", "文件夹"
    S3 = "s3", "S3 存储桶"
    WEB = "web", "网页"


class SourceState(models.TextChoices):
    ACTIVE = "active", "启用"
    PAUSED = "paused", "已暂停"
    # So many documents would end that a person has to say so.
    CONFIRM = "confirm", "等待确认"


class Gone(models.TextChoices):
    """What becomes of a document that is no longer at its source."""

    END = "end", "到期终止"
    ERASE = "erase", "彻底删除"
    KEEP = "keep", "保留"


class Source(TenantModel):
    """One place that a collection is synchronized with.

    ``settings`` are typed by kind in :mod:`liaoyuan.knowledge.sources.settings`; ``sealed`` holds the credentials,
    encrypted for this row alone. ``prefix`` opens the name of every document from here, so that no source can touch
    another's documents. ``generation`` counts the listings: an item that the latest whole one did not see is gone.
    ``every_minutes`` 0: only when somebody asks. ``held`` is how many endings wait for a person.
    """

    collection = models.ForeignKey("knowledge.Collection", on_delete=models.CASCADE, related_name="sources")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=SourceKind)
    prefix = models.CharField(max_length=120)
    settings = models.JSONField(default=dict)
    sealed = models.TextField(blank=True)
    groups = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    group_map = models.JSONField(default=list, blank=True)
    gone = models.CharField(max_length=12, choices=Gone, default=Gone.END)
    as_draft = models.BooleanField(default=False)
    every_minutes = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=12, choices=SourceState, default=SourceState.ACTIVE)
    due_at = models.DateTimeField(null=True, blank=True)
    generation = models.BigIntegerField(default=0)
    held = models.PositiveIntegerField(default=0)
    last_run_id = models.UUIDField(null=True, blank=True)
    last_run_at = models.DateTimeField(null=True, blank=True)
    counts = models.JSONField(default=dict, blank=True)
    error = models.JSONField(default=dict, blank=True)
    created_by = models.UUIDField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "collection", "name"], name="source_name_once"),
            models.UniqueConstraint(fields=["organization", "collection", "prefix"], name="source_prefix_once"),
        ]
        indexes = [models.Index(fields=["state", "due_at"], name="source_due")]

    def __str__(self) -> str:
        return self.name


class ItemState(models.TextChoices):
    PENDING = "pending", "等待读取"
    READY = "ready", "已同步"
    FAILED = "failed", "失败"
    SKIPPED = "skipped", "跳过"
    GONE = "gone", "源端已删除"


class SourceItem(TenantModel):
    """One file, object or page of a source, with what tells its content apart.

    ``marker`` is what the source says cheaply (size and time, ETag); ``sha256`` is of the bytes that were read last.
    An archive has several ``documents``; ``versions`` are those that the present content became.
    """

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="items")
    key = models.CharField(max_length=1024)
    marker = models.CharField(max_length=300, blank=True)
    size = models.BigIntegerField(default=0)
    modified = models.DateTimeField(null=True, blank=True)
    etag = models.CharField(max_length=300, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    groups = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    owners = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    documents = ArrayField(models.UUIDField(), default=list, blank=True)
    versions = ArrayField(models.UUIDField(), default=list, blank=True)
    state = models.CharField(max_length=12, choices=ItemState, default=ItemState.PENDING)
    error = models.JSONField(default=dict, blank=True)
    seen = models.BigIntegerField(default=0)
    synced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "source", "key"], name="source_item_key_once")]
        indexes = [
            models.Index(fields=["organization", "source", "state"], name="source_item_state"),
            models.Index(fields=["organization", "source", "sha256"], name="source_item_content"),
            GinIndex(fields=["documents"], name="source_item_documents"),
        ]

    def __str__(self) -> str:
        return self.key
