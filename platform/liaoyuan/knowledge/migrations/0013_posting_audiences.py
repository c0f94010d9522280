"""A posting names its audience, so that one index serves every search. Searches go on while the postings are carried.

Not atomic: the owner sees rows under forced row-level security by a policy of its own, which is made first and at once,
so that nobody waits for the lock that it takes; all the rest is one transaction. Interrupted, it may be run again.
"""

from pathlib import Path

from django.db import migrations

from liaoyuan.accounts.rls import APP_ROLE, CURRENT

STORAGE = (Path(__file__).parent / "posting_audiences.sql").read_text(encoding="utf-8")
SEEN_BY_OWNER = "".join(
    f"DROP POLICY IF EXISTS carrying ON {table};"
    f"CREATE POLICY carrying ON {table} FOR SELECT TO CURRENT_USER USING (true);"
    for table in ("knowledge_posting", "knowledge_searchentry")
)
VISIBLE = f"organization_id = {CURRENT}"
RIGHTS = (
    "ALTER TABLE knowledge_posting ENABLE ROW LEVEL SECURITY; ALTER TABLE knowledge_posting FORCE ROW LEVEL SECURITY;"
    f"CREATE POLICY tenant ON knowledge_posting TO {APP_ROLE} USING ({VISIBLE}) WITH CHECK ({VISIBLE});"
)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("knowledge", "0012_search_audiences")]

    operations = [
        migrations.RunSQL(SEEN_BY_OWNER, migrations.RunSQL.noop),
        # One string is sent as one command, which PostgreSQL runs as one transaction.
        migrations.RunSQL(STORAGE + RIGHTS, migrations.RunSQL.noop),
    ]
