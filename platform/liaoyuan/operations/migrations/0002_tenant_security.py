"""Row-level security for operations: nobody but the tenant reads a trace, not even the system role."""

from django.db import migrations

from liaoyuan.accounts.rls import TenantTable


class Migration(migrations.Migration):
    dependencies = [("operations", "0001_traces"), ("accounts", "0002_tenant_security")]

    operations = [
        TenantTable("Trace"),
        TenantTable("TraceSpan"),
        TenantTable("Feedback"),
        TenantTable("DailyRollup"),
    ]
