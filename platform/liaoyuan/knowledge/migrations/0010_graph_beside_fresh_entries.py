"""A chunk is found from the moment it is written, without the price of a graph: fresh ones are scanned beside it."""

from pathlib import Path

from django.db import migrations, models

FOLDER = Path(__file__).parent


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0009_search_storage")]

    operations = [
        migrations.AddField("searchentry", "graphed", models.BooleanField(db_default=False, default=False)),
        migrations.RunSQL((FOLDER / "graph_beside.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop),
    ]
