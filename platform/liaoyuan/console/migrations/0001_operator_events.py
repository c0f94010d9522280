"""The operators' hash chain: append-only, and under row-level security that only the system role passes."""

import uuid

from django.db import migrations, models

from liaoyuan.accounts.rls import AppendOnly

TABLE = "console_operatorevent"
PROTECT = f"""
ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY;
CREATE POLICY system_select ON {TABLE} FOR SELECT TO liaoyuan_system USING (true);
CREATE POLICY system_insert ON {TABLE} FOR INSERT TO liaoyuan_system WITH CHECK (true);
"""
UNPROTECT = f"""
DROP POLICY system_select ON {TABLE};
DROP POLICY system_insert ON {TABLE};
ALTER TABLE {TABLE} DISABLE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = [("accounts", "0004_suspension")]

    operations = [
        migrations.CreateModel(
            name="OperatorEvent",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("seq", models.BigIntegerField(unique=True)),
                ("actor", models.UUIDField()),
                ("action", models.CharField(max_length=80)),
                ("about", models.UUIDField(blank=True, null=True)),
                ("object_kind", models.CharField(blank=True, max_length=40)),
                ("object_id", models.CharField(blank=True, max_length=120)),
                ("detail", models.JSONField(default=dict)),
                ("at", models.DateTimeField()),
                ("previous", models.CharField(max_length=64)),
                ("digest", models.CharField(max_length=64)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["action", "object_id", "-seq"], name="operator_event_newest"),
                    models.Index(fields=["about", "-seq"], name="operator_event_about"),
                ],
            },
        ),
        migrations.RunSQL(PROTECT, UNPROTECT),
        AppendOnly("OperatorEvent"),
    ]
