"""What a search reads: entries with rights and days, vectors, postings; filled by triggers on the chunks.

The one graph over all tenants' vectors goes: a large generation gets its own (docs/adr/0007).
"""

import uuid
from pathlib import Path

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from liaoyuan.accounts.rls import APP_ROLE, CURRENT, TenantTable

STORAGE = (Path(__file__).parent / "search_storage.sql").read_text(encoding="utf-8")
VISIBLE = f"organization_id = {CURRENT}"
RIGHTS = "".join(
    f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; ALTER TABLE {table} FORCE ROW LEVEL SECURITY;"
    f"CREATE POLICY tenant ON {table} TO {APP_ROLE} USING ({VISIBLE}) WITH CHECK ({VISIBLE});"
    for table in ("knowledge_vector", "knowledge_posting")
)
TABLES = ("knowledge_chunk", "knowledge_searchentry", "knowledge_vector", "knowledge_posting")
FORCE = "".join(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;" for table in TABLES)
# The owner sees no row under forced row-level security; it is lifted inside this transaction for the one build.
CARRY = f"""
{FORCE.replace("FORCE", "NO FORCE")}
SELECT knowledge_entries_build(index_id, version_id)
FROM (SELECT DISTINCT index_id, version_id FROM knowledge_chunk) each_version;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
{FORCE}
"""  # noqa: S608 - only constants of this module are joined
REVERSE = """
DROP TRIGGER search_written ON knowledge_chunk;
DROP TRIGGER search_removed ON knowledge_chunk;
DROP TRIGGER search_changed ON knowledge_chunk;
DROP TRIGGER graph_drop ON knowledge_searchindex;
DROP TRIGGER search_removed ON knowledge_searchentry;
DROP FUNCTION knowledge_chunks_written, knowledge_chunks_removed, knowledge_chunks_changed, knowledge_entries_removed,
  knowledge_entries_build, knowledge_entries_regroup, knowledge_graph_drop, knowledge_graph_make,
  knowledge_graph_index, knowledge_graph_name, knowledge_length_class;
DROP TABLE knowledge_posting, knowledge_vector;
"""


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0008_sources_and_held_versions")]

    operations = [
        *(migrations.RemoveIndex("chunk", f"chunk_nearest_{dimensions}") for dimensions in (384, 512, 768, 1024)),
        migrations.CreateModel(
            name="SearchEntry",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "groups",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), default=list, size=None
                    ),
                ),
                ("effective_from", models.DateField(null=True)),
                ("effective_to", models.DateField(null=True)),
                ("chunk_count", models.PositiveIntegerField()),
                ("term_count", models.PositiveBigIntegerField()),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "index",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="knowledge.searchindex"
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="knowledge.documentversion"
                    ),
                ),
            ],
        ),
        TenantTable("SearchEntry"),
        migrations.RunSQL(STORAGE, REVERSE),
        migrations.RunSQL(RIGHTS, migrations.RunSQL.noop),
        migrations.RunSQL(CARRY, migrations.RunSQL.noop),
    ]
