"""Generations of a collection's index, each with its own embedding model. What is indexed becomes generation 1, live.

The owner migrates under forced row-level security, which shows it no row; it is lifted inside this transaction for the
one copy.
"""

import uuid

import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.lookups
import pgvector.django.halfvec
import pgvector.django.indexes
from django.db import migrations, models

from liaoyuan.accounts.rls import TenantReference, TenantTable

TABLES = ("knowledge_collection", "knowledge_searchindex", "knowledge_chunk")
FORCE = "".join(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;" for table in TABLES)
CARRY = f"""
{FORCE.replace("FORCE", "NO FORCE")}
INSERT INTO knowledge_searchindex (id, organization_id, created_at, collection_id, number, state, embedder, dimensions,
  settings, chunk_count, scores, error, live_at)
SELECT gen_random_uuid(), organization_id, now(), collection_id, 1, 'live', 'multilingual-e5-small', 384, '{{}}',
  count(*), '{{}}', '{{}}', now()
FROM knowledge_chunk GROUP BY organization_id, collection_id;
UPDATE knowledge_chunk c SET index_id = i.id FROM knowledge_searchindex i WHERE i.collection_id = c.collection_id;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
{FORCE}
"""  # noqa: S608 - only constants of this module are joined


def nearest(dimensions: int) -> migrations.AddIndex:
    length = models.Func("embedding", function="vector_dims", output_field=models.IntegerField())
    vector = django.db.models.functions.comparison.Cast(
        "embedding", pgvector.django.halfvec.HalfVectorField(dimensions=dimensions)
    )
    index = pgvector.django.indexes.HnswIndex(
        django.contrib.postgres.indexes.OpClass(vector, name="halfvec_cosine_ops"),
        condition=models.Q(django.db.models.lookups.Exact(length, models.Value(dimensions))),
        ef_construction=64,
        m=16,
        name=f"chunk_nearest_{dimensions}",
    )
    return migrations.AddIndex(model_name="chunk", index=index)


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0003_uploads")]

    operations = [
        migrations.AddField("collection", "settings", models.JSONField(blank=True, default=dict)),
        migrations.CreateModel(
            name="SearchIndex",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("number", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("building", "构建中"),
                            ("ready", "待切换"),
                            ("live", "使用中"),
                            ("retired", "已退役"),
                            ("failed", "构建失败"),
                        ],
                        default="building",
                        max_length=12,
                    ),
                ),
                ("embedder", models.CharField(default="multilingual-e5-small", max_length=120)),
                ("dimensions", models.PositiveIntegerField(default=384)),
                ("settings", models.JSONField(blank=True, default=dict)),
                ("chunk_count", models.PositiveIntegerField(default=0)),
                ("scores", models.JSONField(blank=True, default=dict)),
                ("run_id", models.UUIDField(blank=True, null=True)),
                ("created_by", models.UUIDField(blank=True, null=True)),
                ("live_at", models.DateTimeField(blank=True, null=True)),
                ("error", models.JSONField(blank=True, default=dict)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "collection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="indexes", to="knowledge.collection"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "collection", "number"), name="search_index_number_once"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "live")),
                        fields=("organization", "collection"),
                        name="search_index_one_live",
                    ),
                ],
            },
        ),
        TenantTable("SearchIndex"),
        migrations.RemoveIndex("chunk", "chunk_nearest"),
        migrations.RemoveIndex("chunk", "chunk_scope"),
        migrations.RemoveConstraint("chunk", "chunk_ordinal_once"),
        migrations.AlterField("chunk", "embedding", pgvector.django.halfvec.HalfVectorField()),
        migrations.AddField("chunk", "enabled", models.BooleanField(default=True)),
        migrations.AddField(
            "chunk",
            "origin",
            models.CharField(
                choices=[("parsed", "解析所得"), ("edited", "人工修改"), ("added", "人工添加")],
                default="parsed",
                max_length=12,
            ),
        ),
        migrations.AddField("chunk", "anchor", models.CharField(blank=True, max_length=64, default="")),
        migrations.AlterField("chunk", "anchor", models.CharField(blank=True, max_length=64)),
        migrations.AddField(
            "chunk",
            "index",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="chunks",
                to="knowledge.searchindex",
            ),
        ),
        migrations.RunSQL(CARRY, migrations.RunSQL.noop),
        migrations.AlterField(
            "chunk",
            "index",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="chunks", to="knowledge.searchindex"
            ),
        ),
        TenantReference("Chunk", "index"),
        migrations.AddConstraint(
            "chunk",
            models.UniqueConstraint(
                fields=("organization", "index", "version", "ordinal"), name="chunk_ordinal_once_an_index"
            ),
        ),
        migrations.AddIndex(
            "chunk", models.Index(fields=["organization", "index", "effective_to"], name="chunk_scope")
        ),
        migrations.AddIndex("chunk", models.Index(fields=["organization", "version", "anchor"], name="chunk_anchor")),
        *(nearest(dimensions) for dimensions in (384, 512, 768, 1024)),
    ]
