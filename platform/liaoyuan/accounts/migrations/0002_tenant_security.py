"""Row-level security for the tables of accounts, and the append-only audit chain."""

from django.db import migrations

from liaoyuan.accounts.rls import AppendOnly, TenantTable


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_accounts")]

    operations = [
        TenantTable("Organization", key="id", system=("SELECT", "INSERT", "UPDATE")),
        TenantTable("Member", system=("SELECT",)),
        TenantTable("Invitation", system=("SELECT",)),
        TenantTable("ApiKey", system=("SELECT", "UPDATE")),
        TenantTable("AuditEvent"),
        AppendOnly("AuditEvent"),
    ]
