"""Row-level security for the registry; bases are the installation's, not a tenant's."""

from django.db import migrations

from liaoyuan.accounts.rls import TenantTable


class Migration(migrations.Migration):
    dependencies = [("training", "0001_registry"), ("accounts", "0002_tenant_security")]

    operations = [TenantTable("ModelVersion"), TenantTable("TrainingRun")]
