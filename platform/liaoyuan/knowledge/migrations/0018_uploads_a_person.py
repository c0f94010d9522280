"""Two people may send files of one name for the same collection at once: a name is taken once a person."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0017_reading_rules")]

    operations = [
        migrations.RemoveConstraint(model_name="upload", name="upload_name_once"),
        migrations.AddConstraint(
            model_name="upload",
            constraint=models.UniqueConstraint(
                condition=models.Q(("import_run__isnull", True)),
                fields=("organization", "batch", "user_id", "name"),
                name="upload_name_once",
            ),
        ),
    ]
