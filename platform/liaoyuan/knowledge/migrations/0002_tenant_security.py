"""Row-level security for the knowledge layer. No cross-tenant job reads documents, so the system role gets nothing."""

from django.db import migrations

from liaoyuan.accounts.rls import TenantTable


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0001_knowledge"), ("accounts", "0002_tenant_security")]

    operations = [
        TenantTable("Collection"),
        TenantTable("Document"),
        TenantTable("DocumentVersion"),
        TenantTable("Chunk"),
    ]
