"""Chunks that people changed: the edits that stand or were lost, and their history."""

import uuid
from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from liaoyuan.accounts.rls import TenantTable

STATES = [("standing", "生效"), ("lost", "未能带入"), ("settled", "已处理")]
ACTIONS = [
    ("edit", "修改"),
    ("split", "拆分"),
    ("merge", "合并"),
    ("disable", "停用"),
    ("enable", "启用"),
    ("add", "添加"),
    ("remove", "移除"),
    ("restore", "还原"),
    ("settle", "处理"),
]


def tenant_fields() -> "list[tuple[str, models.Field[Any, Any]]]":
    return [
        ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
        ("created_at", models.DateTimeField(auto_now_add=True)),
        (
            "organization",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization"
            ),
        ),
    ]


def reference(table: str, name: str) -> "models.ForeignKey[Any, Any]":
    return models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name=name, to=f"knowledge.{table}")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_suspension"), ("knowledge", "0005_question_sets")]

    operations = [
        migrations.AddField("chunk", "sub_ordinal", models.PositiveSmallIntegerField(default=0)),
        migrations.AddField("chunk", "patch_id", models.UUIDField(blank=True, null=True)),
        migrations.RemoveConstraint("chunk", "chunk_ordinal_once_an_index"),
        migrations.AddConstraint(
            "chunk",
            models.UniqueConstraint(
                fields=("organization", "index", "version", "ordinal", "sub_ordinal"), name="chunk_place_once_an_index"
            ),
        ),
        migrations.CreateModel(
            name="ChunkPatch",
            fields=[
                *tenant_fields(),
                ("index", reference("searchindex", "patches")),
                ("version", reference("documentversion", "patches")),
                ("originals", models.JSONField(default=list)),
                ("results", models.JSONField(default=list)),
                ("state", models.CharField(choices=STATES, default="standing", max_length=12)),
                ("reason", models.CharField(blank=True, max_length=20)),
                ("source", models.UUIDField(blank=True, null=True)),
                ("source_changed_at", models.DateTimeField(blank=True, null=True)),
                ("author_id", models.UUIDField(blank=True, null=True)),
                ("author", models.CharField(blank=True, max_length=254)),
                ("changed_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["organization", "version", "index", "state"], name="chunk_patch_of")]
            },
        ),
        migrations.CreateModel(
            name="ChunkEdit",
            fields=[
                *tenant_fields(),
                ("version", reference("documentversion", "edits")),
                ("index_number", models.PositiveIntegerField()),
                ("patch_id", models.UUIDField()),
                ("action", models.CharField(choices=ACTIONS, max_length=12)),
                ("before", models.JSONField(default=list)),
                ("after", models.JSONField(default=list)),
                ("author_id", models.UUIDField(blank=True, null=True)),
                ("author", models.CharField(blank=True, max_length=254)),
            ],
            options={"indexes": [models.Index(fields=["organization", "version", "created_at"], name="chunk_edit_of")]},
        ),
        TenantTable("ChunkPatch"),
        TenantTable("ChunkEdit"),
    ]
