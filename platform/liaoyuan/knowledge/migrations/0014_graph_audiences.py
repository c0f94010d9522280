"""Audiences get graphs of their own. A graph that stands already serves as it is until the next one is built."""

from pathlib import Path

import django.contrib.postgres.fields
from django.db import migrations, models

GRAPHS = (Path(__file__).parent / "graph_audiences.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0013_posting_audiences")]

    operations = [
        migrations.AddField(
            "searchindex",
            "graph_audiences",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), blank=True, default=list, size=None
            ),
        ),
        migrations.RunSQL(GRAPHS, migrations.RunSQL.noop),
    ]
