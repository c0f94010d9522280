"""Controls over the database: is the isolation really on, and does a stranger really see nothing?"""

from uuid import uuid4

from django.db import connection

from liaoyuan.accounts.selectors import audit_verify
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.pipeline.selectors import lineage_up
from liaoyuan.security.controls.base import Measurement, Subject

TENANT_TABLES = """
SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,
       (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY c.relname
"""
ROLE = "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
OWNED = (
    "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' "
    "AND c.relkind IN ('r', 'p') AND pg_get_userbyid(c.relowner) = current_user"
)
VIEWS = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND (c.relkind = 'm'
      OR (c.relkind = 'v' AND NOT coalesce(c.reloptions::text[] @> ARRAY['security_invoker=true'], false)))
"""


def rls_forced(subject: Subject) -> Measurement:
    """Asks the live catalogue: every tenant table enabled, forced and with a policy; the role cannot step around it."""
    with tenant_context(subject.organization_id), connection.cursor() as cursor:
        cursor.execute(TENANT_TABLES)
        tables = cursor.fetchall()
        cursor.execute(ROLE)
        role = cursor.fetchone()
        cursor.execute(OWNED)
        owned = cursor.fetchone()[0]
        cursor.execute(VIEWS)
        views = [row[0] for row in cursor.fetchall()]
    loose = [name for name, enabled, forced, policies in tables if not (enabled and forced and policies)]
    good = bool(tables) and not loose and not views and not owned and not role[1] and not role[2]
    return Measurement(
        value=float(good),
        evidence={
            "tables": len(tables),
            "without_forced_rls": loose,
            "leaking_views": views,
            "role": role[0],
            "superuser": role[1],
            "bypassrls": role[2],
            "owned_tables": owned,
            "queries": ["pg_class × pg_policy", "pg_roles", "pg_class views"],
        },
        advice_zh="请用 owner 账号重新执行迁移，并确认应用账号不是表的所有者、超级用户或 BYPASSRLS。",
        advice_en="Run the migrations with the owner's alias again; the application role must not own tables nor be "
        "superuser or BYPASSRLS.",
    )


def isolation_probe(subject: Subject) -> Measurement:
    """Counts every tenant table as an organization that does not exist, and without any context."""
    own = _visible(subject, subject.organization_id)
    stranger = _visible(subject, uuid4())
    with connection.cursor() as cursor:
        outside = _counts(cursor, list(own))
    leaks = sorted(name for name in own if stranger.get(name) or outside.get(name))
    return Measurement(
        value=float(not leaks and bool(sum(own.values()))),
        evidence={
            "tables": len(own),
            "rows_of_own": sum(own.values()),
            "leaking_tables": leaks,
            "probes": ["stranger", "no context"],
        },
        advice_zh="发现跨组织可见的表：请立即停用该部署，并检查这些表的行级安全策略。",
        advice_en="Rows are visible across organizations: take the deployment down and check the row-level policies of "
        "these tables.",
    )


def _visible(subject: Subject, organization_id: object) -> dict[str, int]:
    with tenant_context(str(organization_id)), connection.cursor() as cursor:
        cursor.execute(TENANT_TABLES)
        return _counts(cursor, [row[0] for row in cursor.fetchall()])


def _counts(cursor: "connection.cursor", names: list[str]) -> dict[str, int]:  # type: ignore[name-defined]
    """Rows visible in each table; the names come from the catalogue and are quoted by the server's own rules."""
    found = {}
    for name in names:
        cursor.execute("SELECT has_table_privilege(%s, 'SELECT')", [f'public."{name}"'])
        if cursor.fetchone()[0]:
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(name)}")  # noqa: S608 (catalogue name, quoted)
            found[name] = int(cursor.fetchone()[0])
    return found


def audit_chain(subject: Subject) -> Measurement:
    """Walks the organization's hash chain from its first link."""
    with tenant_context(subject.organization_id):
        report = audit_verify()
    return Measurement(
        value=float(report.ok),
        evidence={"checked": report.checked, "first_bad": report.first_bad, "head": report.head},
        advice_zh="审计链已断裂：请保全数据库备份并追查该序号之后的改动。",
        advice_en="The audit chain is broken: secure the database backups and trace the change from that number on.",
    )


def lineage_complete(subject: Subject) -> Measurement:
    """From the deployment up: a bundle, its documents, and for an adapter the data that taught it."""
    with tenant_context(subject.organization_id):
        graph = lineage_up("deployment", subject.deployment_id)
    kinds = {node.kind for node in graph.nodes}
    needed = {"bundle", "document_version"} | ({"dataset_version"} if "model_version" in kinds else set())
    return Measurement(
        value=len(needed & kinds) / len(needed),
        evidence={
            "nodes": len(graph.nodes),
            "edges": len(graph.edges),
            "kinds": sorted(kinds),
            "missing": sorted(needed - kinds),
        },
        advice_zh="血缘不完整：请从数据阶段起重新运行流水线。",
        advice_en="The lineage has gaps: run the pipeline again from the data stage.",
    )
