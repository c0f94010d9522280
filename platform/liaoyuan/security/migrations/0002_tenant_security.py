"""Row-level security for the proofs; reports and their controls are evidence and cannot be rewritten."""

from django.db import migrations

from liaoyuan.accounts.rls import AppendOnly, TenantTable


class Migration(migrations.Migration):
    dependencies = [("security", "0001_compliance"), ("accounts", "0002_tenant_security")]

    operations = [
        TenantTable("GuardrailPolicyVersion"),
        TenantTable("ComplianceReport"),
        TenantTable("ControlResult"),
        AppendOnly("ControlResult"),
    ]
