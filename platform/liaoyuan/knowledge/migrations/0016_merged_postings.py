"""An entry's words in a row or two, and lists over all entries beside the graph, where a row stood for each word of each.

Not atomic: the owner sees rows under forced row-level security by policies of its own, which are made first and at once,
so that nobody waits for the locks that they take; all the rest is one transaction. Interrupted, it may be run again.
"""

from pathlib import Path

from django.db import migrations, models

from liaoyuan.accounts.rls import APP_ROLE, CURRENT

STORAGE = (Path(__file__).parent / "merged_postings.sql").read_text(encoding="utf-8")
READ = ("knowledge_chunk", "knowledge_searchentry", "knowledge_vector")
SEEN_BY_OWNER = "".join(
    f"DROP POLICY IF EXISTS carrying ON {table};"
    f"CREATE POLICY carrying ON {table} FOR SELECT TO CURRENT_USER USING (true);"
    for table in READ
)
HIDDEN_AGAIN = "".join(f"DROP POLICY carrying ON {table};" for table in READ)
MERGED = "ALTER TABLE knowledge_searchentry ADD COLUMN IF NOT EXISTS merged boolean DEFAULT false NOT NULL"
VISIBLE = f"organization_id = {CURRENT}"
RIGHTS = "".join(
    f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; ALTER TABLE {table} FORCE ROW LEVEL SECURITY;"
    f"CREATE POLICY tenant ON {table} TO {APP_ROLE} USING ({VISIBLE}) WITH CHECK ({VISIBLE});"
    for table in ("knowledge_words", "knowledge_stale")
)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("knowledge", "0015_lighter_writing")]

    operations = [
        migrations.RunSQL(
            SEEN_BY_OWNER + MERGED,
            migrations.RunSQL.noop,
            state_operations=[
                migrations.AddField("searchentry", "merged", models.BooleanField(db_default=False, default=False))
            ],
        ),
        # One string is sent as one command, which PostgreSQL runs as one transaction.
        migrations.RunSQL(STORAGE + RIGHTS + HIDDEN_AGAIN, migrations.RunSQL.noop),
    ]
