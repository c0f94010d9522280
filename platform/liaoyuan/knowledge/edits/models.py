"""Edits that stand, edits that could not be carried, and the history of both."""

from django.db import models

from liaoyuan.accounts.models import TenantModel


class PatchState(models.TextChoices):
    STANDING = "standing", "生效"
    LOST = "lost", "未能带入"
    SETTLED = "settled", "已处理"


class ChunkPatch(TenantModel):
    """What a person made of some neighbouring chunks of one version in one generation of the index.

    ``originals`` and ``results`` are drafts (:func:`liaoyuan.knowledge.edits.patches.draft_as_dict`), in reading order;
    the chunks that are the results name the patch. State: standing; or lost, where it was carried here from ``source``
    in vain for ``reason``, until somebody settles it.
    """

    index = models.ForeignKey("knowledge.SearchIndex", on_delete=models.CASCADE, related_name="patches")
    version = models.ForeignKey("knowledge.DocumentVersion", on_delete=models.CASCADE, related_name="patches")
    originals = models.JSONField(default=list)
    results = models.JSONField(default=list)
    state = models.CharField(max_length=12, choices=PatchState, default=PatchState.STANDING)
    reason = models.CharField(max_length=20, blank=True)
    source = models.UUIDField(null=True, blank=True)
    source_changed_at = models.DateTimeField(null=True, blank=True)
    author_id = models.UUIDField(null=True, blank=True)
    author = models.CharField(max_length=254, blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["organization", "version", "index", "state"], name="chunk_patch_of")]

    def __str__(self) -> str:
        return f"{self.state} {self.changed_at:%Y-%m-%d %H:%M}"


class EditAction(models.TextChoices):
    EDIT = "edit", "修改"
    SPLIT = "split", "拆分"
    MERGE = "merge", "合并"
    DISABLE = "disable", "停用"
    ENABLE = "enable", "启用"
    ADD = "add", "添加"
    REMOVE = "remove", "移除"
    RESTORE = "restore", "还原"
    SETTLE = "settle", "处理"


class ChunkEdit(TenantModel):
    """One change by one person. ``before`` and ``after`` are {id, text, enabled} of the chunks that it touched.

    ``index_number`` names the generation it was made in, which may be gone by now.
    """

    version = models.ForeignKey("knowledge.DocumentVersion", on_delete=models.CASCADE, related_name="edits")
    index_number = models.PositiveIntegerField()
    patch_id = models.UUIDField()
    action = models.CharField(max_length=12, choices=EditAction)
    before = models.JSONField(default=list)
    after = models.JSONField(default=list)
    author_id = models.UUIDField(null=True, blank=True)
    author = models.CharField(max_length=254, blank=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "version", "created_at"], name="chunk_edit_of")]

    def __str__(self) -> str:
        return f"{self.action} {self.author}"
