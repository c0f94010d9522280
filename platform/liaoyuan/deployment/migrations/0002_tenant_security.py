"""Row-level security for what is deployed."""

from django.db import migrations

from liaoyuan.accounts.rls import TenantTable


class Migration(migrations.Migration):
    dependencies = [("deployment", "0001_bundles"), ("accounts", "0002_tenant_security")]

    operations = [
        TenantTable("Bundle"),
        TenantTable("GateReport"),
        TenantTable("Deployment"),
        TenantTable("Route"),
        TenantTable("RouteTarget"),
    ]
