"""Question sets, and what they measured."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from liaoyuan.accounts.rls import TenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_suspension"),
        ("knowledge", "0004_search_indexes"),
    ]

    operations = [
        migrations.CreateModel(
            name="QuestionSet",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("name", models.CharField(max_length=120)),
                (
                    "kind",
                    models.CharField(
                        choices=[("hand", "手工编写"), ("imported", "导入"), ("synthesised", "由文档生成")],
                        default="hand",
                        max_length=12,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("draft", "草稿"), ("approved", "已批准"), ("retired", "已停用")],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("thresholds", models.JSONField(blank=True, default=list)),
                ("created_by", models.UUIDField(blank=True, null=True)),
                (
                    "collection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="question_sets",
                        to="knowledge.collection",
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
            name="EvaluationRun",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("number", models.PositiveIntegerField()),
                ("run_id", models.UUIDField(blank=True, null=True)),
                ("index_id", models.UUIDField(blank=True, null=True)),
                ("mode", models.CharField(max_length=12)),
                ("configuration", models.JSONField(default=dict)),
                ("count", models.PositiveIntegerField(default=0)),
                ("metrics", models.JSONField(default=dict)),
                ("intervals", models.JSONField(default=dict)),
                ("created_by", models.UUIDField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "collection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="evaluations",
                        to="knowledge.collection",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "question_set",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="evaluations",
                        to="knowledge.questionset",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TestQuestion",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("number", models.PositiveIntegerField()),
                ("question", models.TextField()),
                (
                    "evidence",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=400), blank=True, default=list, size=None
                    ),
                ),
                ("anchors", models.JSONField(blank=True, default=list)),
                (
                    "must_contain",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, default=list, size=None
                    ),
                ),
                ("answerable", models.BooleanField(default=True)),
                ("type", models.CharField(blank=True, max_length=20)),
                ("language", models.CharField(max_length=2)),
                (
                    "state",
                    models.CharField(
                        choices=[("proposed", "待审核"), ("approved", "已通过"), ("rejected", "已否决")],
                        default="proposed",
                        max_length=10,
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("hand", "手工"),
                            ("import", "导入"),
                            ("lab", "检索实验室"),
                            ("trace", "问答记录"),
                            ("feedback", "用户反馈"),
                            ("rules", "由文档结构生成"),
                            ("chat", "由模型生成"),
                        ],
                        default="hand",
                        max_length=10,
                    ),
                ),
                ("source_id", models.UUIDField(blank=True, null=True)),
                ("external_id", models.CharField(blank=True, max_length=80)),
                (
                    "documents",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), blank=True, default=list, size=None
                    ),
                ),
                ("author", models.UUIDField(blank=True, null=True)),
                ("reviewer", models.UUIDField(blank=True, null=True)),
                ("reviewed_at", models.DateTimeField(blank=True, null=True)),
                ("note", models.CharField(blank=True, max_length=300)),
                ("digest", models.CharField(max_length=64)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "question_set",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="questions",
                        to="knowledge.questionset",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="EvaluationRow",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("question_id", models.UUIDField()),
                ("position", models.PositiveIntegerField()),
                ("values", models.JSONField()),
                (
                    "versions",
                    django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None),
                ),
                (
                    "documents",
                    django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "evaluation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="rows", to="knowledge.evaluationrun"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "evaluation", "question_id"), name="evaluation_row_once"
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="questionset",
            constraint=models.UniqueConstraint(
                fields=("organization", "collection", "name"), name="question_set_name_once"
            ),
        ),
        migrations.AddIndex(
            model_name="evaluationrun",
            index=models.Index(fields=["organization", "collection", "-created_at"], name="evaluation_recent"),
        ),
        migrations.AddConstraint(
            model_name="evaluationrun",
            constraint=models.UniqueConstraint(
                fields=("organization", "question_set", "number"), name="evaluation_number_once"
            ),
        ),
        migrations.AddIndex(
            model_name="testquestion",
            index=models.Index(fields=["organization", "question_set", "state", "number"], name="test_question_review"),
        ),
        migrations.AddConstraint(
            model_name="testquestion",
            constraint=models.UniqueConstraint(
                fields=("organization", "question_set", "digest"), name="test_question_once"
            ),
        ),
        TenantTable("QuestionSet"),
        TenantTable("TestQuestion"),
        TenantTable("EvaluationRun"),
        TenantTable("EvaluationRow"),
    ]
