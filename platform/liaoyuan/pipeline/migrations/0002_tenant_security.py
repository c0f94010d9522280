"""Row-level security for the ledger. The relay and the reaper work under the system role across tenants."""

from django.db import migrations

from liaoyuan.accounts.rls import AppendOnly, TenantTable


class Migration(migrations.Migration):
    dependencies = [("pipeline", "0001_ledger"), ("accounts", "0002_tenant_security")]

    operations = [
        TenantTable("Solution"),
        TenantTable("Pipeline", system=("SELECT",)),
        TenantTable("StageRun", system=("SELECT", "UPDATE")),
        TenantTable("StageEvent", system=("SELECT", "INSERT")),
        AppendOnly("StageEvent"),
        TenantTable("Outbox", system=("SELECT", "INSERT", "UPDATE", "DELETE")),
        TenantTable("Artifact"),
        TenantTable("Lineage"),
    ]
