"""Checks of what runs: database with its roles and row-level security, broker, model server, workers."""

from urllib.parse import urlsplit

import redis
from django.apps import apps
from django.conf import settings
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from liaoyuan.accounts.models import TenantModel
from liaoyuan.broker import QUEUES
from liaoyuan.config.doctor.report import Check
from liaoyuan.pipeline.adapters.model_server import ModelServerClient
from liaoyuan.pipeline.waiting import worker_slots

UP_ZH, UP_EN = "执行 manage.py engines up（或 make up）。", "Run manage.py engines up (or make up)."
# Older releases leak rows through planner statistics: CVE-2025-8713.
SAFE_POSTGRES = {15: 150014, 16: 160010, 17: 170006, 18: 180000}
UNSAFE_ROLES = "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND (rolsuper OR rolbypassrls)"
# An import that is at work has a temporary table of its own.
OWNED = "SELECT count(*) FROM pg_tables WHERE tableowner = ANY(%s) AND schemaname NOT LIKE 'pg_temp%%'"
UNFORCED = "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND NOT (relrowsecurity AND relforcerowsecurity)"


def database() -> list[Check]:
    """Reachable, recent enough, with pgvector, and every migration applied."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        version = int(cursor.fetchone()[0])
        cursor.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
        vector = cursor.fetchone()
    safe = version >= SAFE_POSTGRES.get(version // 10000, SAFE_POSTGRES[18])
    executor = MigrationExecutor(connections["owner"])
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [
        Check("database", safe, f"PostgreSQL {version}", "升级 PostgreSQL（CVE-2025-8713）。", "Upgrade PostgreSQL."),
        Check(
            "pgvector",
            vector is not None,
            str(vector and vector[0]),
            "CREATE EXTENSION vector",
            "CREATE EXTENSION vector",
        ),
        Check(
            "migrations",
            not missing,
            f"{len(missing)} not applied",
            "执行 manage.py migrate --database owner。",
            "Run manage.py migrate --database owner.",
        ),
    ]


def roles() -> list[Check]:
    """The application's roles are neither superuser nor owner, and pass no row-level security."""
    names = [str(settings.DATABASES[alias]["USER"]) for alias in ("default", "system")]
    with connections["default"].cursor() as cursor:
        cursor.execute(UNSAFE_ROLES, [names])
        unsafe = [row[0] for row in cursor.fetchall()]
        cursor.execute(OWNED, [names])
        owned = cursor.fetchone()[0]
    detail = f"{', '.join(names)}: {len(unsafe)} unsafe, {owned} tables owned"
    mend_zh = "为应用使用非属主、无 SUPERUSER/BYPASSRLS 的角色。"
    return [Check("roles", not unsafe and owned == 0, detail, mend_zh, "Give the application a role of its own.")]


def row_level_security() -> list[Check]:
    """Forced on every tenant table, and no row shows without a context."""
    tables = [model._meta.db_table for model in apps.get_models() if issubclass(model, TenantModel)]
    with connections["default"].cursor() as cursor:
        cursor.execute(UNFORCED, [tables])
        unforced = [row[0] for row in cursor.fetchall()]
        leaking = [table for table in tables if _rows_seen(cursor, table)]
    wrong = sorted({*unforced, *leaking})
    detail = f"{len(tables)} tenant tables" if not wrong else f"not protected: {', '.join(wrong)}"
    mend = "manage.py migrate --database owner"
    return [Check("row_level_security", not wrong, detail, mend, mend)]


def _rows_seen(cursor: object, table: str) -> bool:
    cursor.execute(f'SELECT EXISTS (SELECT 1 FROM "{table}")')  # type: ignore[attr-defined]  # noqa: S608 - our own table names
    return bool(cursor.fetchone()[0])  # type: ignore[attr-defined]


def broker() -> list[Check]:
    """Reachable, refuses to forget queued messages, and has a password unless it listens on no network."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    policy = client.config_get("maxmemory-policy")["maxmemory-policy"]
    parts = urlsplit(settings.REDIS_URL)
    local = parts.scheme == "unix" or parts.hostname in {"127.0.0.1", "::1", "localhost"}
    return [
        Check(
            "broker", policy == "noeviction", f"maxmemory-policy {policy}", "设为 noeviction。", "Set it to noeviction."
        ),
        Check("broker_password", local or bool(parts.password), parts.scheme, "请设置密码。", "Set a password."),
    ]


def model_server() -> list[Check]:
    """Answers, and holds the base model."""
    with ModelServerClient(settings.MODEL_SERVER_URL, settings.MODEL_SERVER_TOKEN) as client:
        models = client.models()
    return [Check("model_server", bool(models), ", ".join(models), UP_ZH, UP_EN)]


def workers() -> list[Check]:
    """A live worker for every queue."""
    slots = {queue: worker_slots(queue) for queue in QUEUES}
    idle = [queue for queue, count in slots.items() if not count]
    detail = ", ".join(f"{queue} {count}" for queue, count in slots.items())
    return [Check("workers", not idle, detail, "执行 make up。", "Run make up.")]
