"""Drafts of solutions, how far each person has read what happened, and an archive for solutions."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from liaoyuan.accounts.rls import TenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_tenant_security"),
        ("pipeline", "0002_tenant_security"),
    ]

    operations = [
        migrations.AddField(
            model_name="solution",
            name="archived_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name="NotificationCursor",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("user_id", models.UUIDField()),
                ("seq", models.BigIntegerField(default=0)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "user_id"), name="notification_cursor_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="SolutionDraft",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("user_id", models.UUIDField()),
                ("industry", models.CharField(max_length=40)),
                ("scenario", models.CharField(blank=True, max_length=80)),
                ("name", models.CharField(blank=True, max_length=120)),
                (
                    "source",
                    models.CharField(
                        blank=True,
                        choices=[("sample", "示例文档"), ("upload", "上传文档"), ("collection", "已有文档集")],
                        max_length=12,
                    ),
                ),
                ("collection_id", models.UUIDField(blank=True, null=True)),
                (
                    "imports",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), blank=True, default=list, size=None
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1)),
                ("solution_id", models.UUIDField(blank=True, null=True)),
                ("pipeline_id", models.UUIDField(blank=True, null=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["organization", "user_id", "updated_at"], name="solution_draft_mine")],
            },
        ),
        TenantTable("NotificationCursor"),
        TenantTable("SolutionDraft"),
    ]
