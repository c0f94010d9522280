"""The files of an import one by one, and what stands in each generation of an index."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from liaoyuan.accounts.rls import TenantTable


def _reference(to: str, related_name: str) -> "models.ForeignKey[models.Model, models.Model]":
    return models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name=related_name, to=to)


def _key() -> "models.UUIDField[uuid.UUID, uuid.UUID]":
    return models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)


def _flags() -> "django.contrib.postgres.fields.ArrayField[list[str], list[str]]":
    return django.contrib.postgres.fields.ArrayField(
        base_field=models.CharField(max_length=40), blank=True, default=list, size=None
    )


STATES = [
    ("queued", "排队"),
    ("parsing", "正在解析"),
    ("embedding", "正在索引"),
    ("ready", "就绪"),
    ("partial", "部分就绪"),
    ("rejected", "未能读取"),
    ("cancelled", "已取消"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_people_and_links"),
        ("knowledge", "0006_chunk_edits"),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportItem",
            fields=[
                ("id", _key()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("organization", _reference("accounts.organization", "+")),
                ("collection", _reference("knowledge.collection", "+")),
                ("run_id", models.UUIDField()),
                ("requested_by", models.UUIDField(blank=True, null=True)),
                ("position", models.PositiveIntegerField()),
                ("path", models.TextField()),
                ("member", models.PositiveIntegerField(blank=True, null=True)),
                ("name", models.TextField()),
                ("format", models.CharField(blank=True, max_length=12)),
                ("size", models.BigIntegerField(default=0)),
                ("state", models.CharField(choices=STATES, default="queued", max_length=12)),
                ("code", models.CharField(blank=True, max_length=60)),
                ("reason_zh", models.TextField(blank=True)),
                ("reason_en", models.TextField(blank=True)),
                ("flags", _flags()),
                ("expected_seconds", models.FloatField(default=0)),
                ("seconds", models.FloatField(default=0)),
                ("share", models.FloatField(default=0)),
                ("peak_memory_mb", models.FloatField(default=0)),
                ("pages", models.PositiveIntegerField(default=0)),
                ("blocks", models.PositiveIntegerField(default=0)),
                ("chunks", models.PositiveIntegerField(default=0)),
                ("document_id", models.UUIDField(blank=True, null=True)),
                ("version_id", models.UUIDField(blank=True, null=True)),
                ("version", models.PositiveIntegerField(default=0)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "run_id", "state", "position"], name="import_item_line"),
                    models.Index(fields=["organization", "collection", "-finished_at"], name="import_item_recent"),
                    models.Index(
                        condition=models.Q(("state__in", ["ready", "partial"])),
                        fields=["organization", "format", "-finished_at"],
                        name="import_item_learned",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="IndexEntry",
            fields=[
                ("id", _key()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("organization", _reference("accounts.organization", "+")),
                ("index", _reference("knowledge.searchindex", "entries")),
                ("document_version", _reference("knowledge.documentversion", "entries")),
                ("source", models.CharField(max_length=40)),
                ("blocks_key", models.CharField(max_length=500)),
                ("chunks", models.PositiveIntegerField(default=0)),
                ("pages", models.PositiveIntegerField(default=0)),
                ("blocks", models.PositiveIntegerField(default=0)),
                ("flags", _flags()),
                ("lost", models.PositiveIntegerField(default=0)),
                ("seconds", models.FloatField(default=0)),
                ("note", models.JSONField(blank=True, default=dict)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "index", "document_version"), name="index_entry_once"
                    )
                ],
            },
        ),
        TenantTable("ImportItem"),
        TenantTable("IndexEntry"),
    ]
