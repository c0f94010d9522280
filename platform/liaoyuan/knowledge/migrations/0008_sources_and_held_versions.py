"""Sources of documents; versions that a person holds back as drafts, told apart from those being read."""

import uuid

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

from liaoyuan.accounts.rls import TenantTable

# The owner migrates under forced row-level security, which shows it no row; it is lifted for this one change.
RECEIVED = """
ALTER TABLE knowledge_documentversion NO FORCE ROW LEVEL SECURITY;
UPDATE knowledge_documentversion SET state = 'received' WHERE state = 'draft';
ALTER TABLE knowledge_documentversion FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_suspension"),
        ("knowledge", "0007_imports_and_generations"),
    ]

    operations = [
        migrations.AddField(
            model_name="documentversion",
            name="hold",
            field=models.BooleanField(default=False),
        ),
        migrations.AlterField(
            model_name="documentversion",
            name="state",
            field=models.CharField(
                choices=[
                    ("received", "正在读取"),
                    ("draft", "草稿"),
                    ("in_force", "现行"),
                    ("superseded", "已被取代"),
                    ("withdrawn", "已撤回"),
                    ("rejected", "未能读取"),
                ],
                default="received",
                max_length=12,
            ),
        ),
        migrations.CreateModel(
            name="Source",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("name", models.CharField(max_length=120)),
                (
                    "kind",
                    models.CharField(
                        choices=[("folder", "文件夹"), ("s3", "S3 存储桶"), ("web", "网页")], max_length=12
                    ),
                ),
                ("prefix", models.CharField(max_length=120)),
                ("settings", models.JSONField(default=dict)),
                ("sealed", models.TextField(blank=True)),
                (
                    "groups",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), blank=True, default=list, size=None
                    ),
                ),
                ("group_map", models.JSONField(blank=True, default=list)),
                (
                    "gone",
                    models.CharField(
                        choices=[("end", "到期终止"), ("erase", "彻底删除"), ("keep", "保留")],
                        default="end",
                        max_length=12,
                    ),
                ),
                ("as_draft", models.BooleanField(default=False)),
                ("every_minutes", models.PositiveIntegerField(default=0)),
                (
                    "state",
                    models.CharField(
                        choices=[("active", "启用"), ("paused", "已暂停"), ("confirm", "等待确认")],
                        default="active",
                        max_length=12,
                    ),
                ),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("generation", models.BigIntegerField(default=0)),
                ("held", models.PositiveIntegerField(default=0)),
                ("last_run_id", models.UUIDField(blank=True, null=True)),
                ("last_run_at", models.DateTimeField(blank=True, null=True)),
                ("counts", models.JSONField(blank=True, default=dict)),
                ("error", models.JSONField(blank=True, default=dict)),
                ("created_by", models.UUIDField(blank=True, null=True)),
                (
                    "collection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="sources", to="knowledge.collection"
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SourceItem",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("key", models.CharField(max_length=1024)),
                ("marker", models.CharField(blank=True, max_length=300)),
                ("size", models.BigIntegerField(default=0)),
                ("modified", models.DateTimeField(blank=True, null=True)),
                ("etag", models.CharField(blank=True, max_length=300)),
                ("sha256", models.CharField(blank=True, max_length=64)),
                (
                    "groups",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), blank=True, default=list, size=None
                    ),
                ),
                (
                    "owners",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), blank=True, default=list, size=None
                    ),
                ),
                (
                    "documents",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), blank=True, default=list, size=None
                    ),
                ),
                (
                    "versions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), blank=True, default=list, size=None
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "等待读取"),
                            ("ready", "已同步"),
                            ("failed", "失败"),
                            ("skipped", "跳过"),
                            ("gone", "源端已删除"),
                        ],
                        default="pending",
                        max_length=12,
                    ),
                ),
                ("error", models.JSONField(blank=True, default=dict)),
                ("seen", models.BigIntegerField(default=0)),
                ("synced_at", models.DateTimeField(blank=True, null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="items", to="knowledge.source"
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="source",
            index=models.Index(fields=["state", "due_at"], name="source_due"),
        ),
        migrations.AddConstraint(
            model_name="source",
            constraint=models.UniqueConstraint(fields=("organization", "collection", "name"), name="source_name_once"),
        ),
        migrations.AddConstraint(
            model_name="source",
            constraint=models.UniqueConstraint(
                fields=("organization", "collection", "prefix"), name="source_prefix_once"
            ),
        ),
        migrations.AddIndex(
            model_name="sourceitem",
            index=models.Index(fields=["organization", "source", "state"], name="source_item_state"),
        ),
        migrations.AddIndex(
            model_name="sourceitem",
            index=models.Index(fields=["organization", "source", "sha256"], name="source_item_content"),
        ),
        migrations.AddIndex(
            model_name="sourceitem",
            index=django.contrib.postgres.indexes.GinIndex(fields=["documents"], name="source_item_documents"),
        ),
        migrations.AddConstraint(
            model_name="sourceitem",
            constraint=models.UniqueConstraint(fields=("organization", "source", "key"), name="source_item_key_once"),
        ),
        migrations.RunSQL(RECEIVED, migrations.RunSQL.noop),
        # The schedule looks for due sources of all tenants.
        TenantTable("Source"),
        TenantTable("SourceItem"),
    ]
