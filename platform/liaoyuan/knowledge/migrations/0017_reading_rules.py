"""A version says by which rules it was read and cut. What stands here was before they were counted: 0, older than all."""

from django.db import migrations, models


def number(table: str, name: str) -> migrations.AddField:
    return migrations.AddField(table, name, models.PositiveSmallIntegerField(db_default=0, default=0))


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0016_merged_postings")]

    operations = [
        number("documentversion", "parser"),
        number("documentversion", "chunker"),
        number("indexentry", "parser"),
        number("indexentry", "chunker"),
        migrations.AddField("indexentry", "reused", models.PositiveIntegerField(db_default=0, default=0)),
    ]
