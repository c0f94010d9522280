"""Files on their way in, part by part."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

from liaoyuan.accounts.rls import TenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_people_and_links"),
        ("knowledge", "0002_tenant_security"),
    ]

    operations = [
        migrations.CreateModel(
            name="Upload",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("batch", models.UUIDField()),
                ("user_id", models.UUIDField()),
                ("name", models.CharField(max_length=255)),
                ("size", models.BigIntegerField()),
                ("modified", models.BigIntegerField(default=0)),
                ("received", models.BigIntegerField(default=0)),
                ("import_run", models.UUIDField(blank=True, null=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("import_run__isnull", True)),
                        fields=("organization", "batch", "name"),
                        name="upload_name_once",
                    )
                ],
            },
        ),
        TenantTable("Upload"),
    ]
