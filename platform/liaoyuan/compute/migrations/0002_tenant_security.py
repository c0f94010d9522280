"""Row-level security for compute. The sum of all promises on a machine is asked under the system role."""

from django.db import migrations

from liaoyuan.accounts.rls import TenantTable


class Migration(migrations.Migration):
    dependencies = [("compute", "0001_capacity"), ("accounts", "0002_tenant_security")]

    operations = [TenantTable("CapacityPlan"), TenantTable("Reservation", system=("SELECT",))]
