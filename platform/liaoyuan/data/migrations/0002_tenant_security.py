"""Row-level security for datasets."""

from django.db import migrations

from liaoyuan.accounts.rls import TenantTable


class Migration(migrations.Migration):
    dependencies = [("data", "0001_datasets"), ("accounts", "0002_tenant_security")]

    operations = [TenantTable("Dataset"), TenantTable("DatasetVersion")]
