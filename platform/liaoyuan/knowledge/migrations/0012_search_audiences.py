"""Rights and days once for all entries that share them; the graph is made by triggers on its own generation's row."""

import uuid
from pathlib import Path

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from liaoyuan.accounts.rls import TenantTable

STORAGE = (Path(__file__).parent / "search_audiences.sql").read_text(encoding="utf-8")
TABLES = ("knowledge_searchindex", "knowledge_searchentry", "knowledge_searchaudience")
FORCE = "".join(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;" for table in TABLES)
# The owner sees no row under forced row-level security; it is lifted inside this transaction for the one update.
CARRY = f"""
{FORCE.replace("FORCE", "NO FORCE")}
UPDATE knowledge_searchentry SET
audience = knowledge_audience(organization_id, index_id, groups, effective_from, effective_to);
UPDATE knowledge_searchindex i SET graph_rows = e.chunks FROM (
    SELECT index_id, sum(chunk_count) AS chunks FROM knowledge_searchentry WHERE graphed GROUP BY index_id
) e WHERE e.index_id = i.id AND to_regclass(knowledge_graph_name(i.id)) IS NOT NULL;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
{FORCE}
ALTER TABLE knowledge_searchentry ALTER COLUMN audience SET NOT NULL;
CREATE INDEX knowledge_searchentry_audience ON knowledge_searchentry (audience)
INCLUDE (organization_id, seat, chunk_count, term_count);
CREATE INDEX knowledge_searchentry_fresh ON knowledge_searchentry (index_id) WHERE NOT graphed;
"""  # noqa: S608 - only constants of this module are joined


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0011_question_dates")]

    operations = [
        migrations.CreateModel(
            name="SearchAudience",
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
            ],
        ),
        TenantTable("SearchAudience"),
        migrations.AddField("searchindex", "graph_rows", models.PositiveIntegerField(db_default=0, default=0)),
        migrations.AddField("searchindex", "graph_step", models.CharField(blank=True, default="", max_length=8)),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.RunSQL(CARRY, migrations.RunSQL.noop),
        migrations.RemoveField("searchentry", "groups"),
        migrations.RemoveField("searchentry", "effective_from"),
        migrations.RemoveField("searchentry", "effective_to"),
    ]
