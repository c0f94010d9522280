"""What PostgreSQL itself says about the tenants' tables (§3 a). A new table that forgets its protection fails here."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps

from liaoyuan.accounts.models import Organization, TenantModel

Ask = Callable[..., list[tuple[Any, ...]]]
TENANT_TABLES = sorted(m._meta.db_table for m in apps.get_models() if issubclass(m, TenantModel))
# What a search reads instead of the chunks; triggers fill it (knowledge/migrations/search_storage.sql).
SEARCH_TABLES = ["knowledge_stale", "knowledge_vector", "knowledge_words"]
PROTECTED = sorted([*TENANT_TABLES, *SEARCH_TABLES, Organization._meta.db_table])
# A large index has a table of its own with a graph over its vectors; such come and go.
GRAPH = "knowledge_graph_"
USERS = ("liaoyuan_app", "liaoyuan_system")

# All that the system role may do to the tenants' tables: key look-up, relay, reaper and the operators' commands.
SYSTEM_MAY = {
    "accounts_organization": {"SELECT", "INSERT", "UPDATE"},
    "accounts_member": {"SELECT"},
    "accounts_invitation": {"SELECT"},
    "accounts_apikey": {"SELECT", "UPDATE"},
    "pipeline_pipeline": {"SELECT"},
    "pipeline_stagerun": {"SELECT", "UPDATE"},
    "pipeline_stageevent": {"SELECT", "INSERT"},
    "pipeline_outbox": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "compute_reservation": {"SELECT"},
    # Not a tenant's table: the operators' own chain, which only the system role sees.
    "console_operatorevent": {"SELECT", "INSERT"},
}


def test_there_are_tenant_tables_of_every_stage() -> None:
    apps_with_rows = {table.split("_", 1)[0] for table in TENANT_TABLES}
    assert apps_with_rows >= {"accounts", "pipeline", "knowledge", "compute", "data", "deployment", "security"}
    assert len(TENANT_TABLES) >= 25


def test_row_level_security_is_on_and_forced_everywhere(catalogue: Ask) -> None:
    flags = catalogue(
        "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = ANY(%s) AND relkind = 'r'",
        PROTECTED,
    )
    assert sorted(flags) == [(table, True, True) for table in PROTECTED]


def test_every_table_has_one_policy_for_the_application_that_reads_and_writes(catalogue: Ask) -> None:
    policies = catalogue(
        "SELECT tablename, policyname, permissive, cmd, qual, with_check FROM pg_policies "
        "WHERE 'liaoyuan_app' = ANY(roles) OR 'public' = ANY(roles)"
    )
    assert sorted(row[0] for row in policies if not row[0].startswith(GRAPH)) == PROTECTED
    for table, name, permissive, command, using, check in policies:
        column = "id" if table == "accounts_organization" else "organization_id"
        assert (name, permissive, command) == ("tenant", "PERMISSIVE", "ALL"), table
        assert using == check, table
        assert using.startswith(f"({column} = "), table
        assert "NULLIF(current_setting('app.organization'::text, true), ''::text)" in using, table


def test_the_system_role_may_exactly_what_is_listed(catalogue: Ask) -> None:
    found: dict[str, set[str]] = {}
    for table, command in catalogue(
        "SELECT tablename, cmd FROM pg_policies WHERE 'liaoyuan_system' = ANY(roles) AND schemaname = 'public'"
    ):
        found.setdefault(table, set()).add(command)
    assert found == SYSTEM_MAY


def test_no_policy_is_for_anybody_else(catalogue: Ask) -> None:
    roles = catalogue("SELECT DISTINCT unnest(roles)::text FROM pg_policies")
    assert {role for (role,) in roles} == set(USERS)


def test_every_table_with_an_organization_is_a_tenant_table(catalogue: Ask) -> None:
    tables = catalogue(
        "SELECT DISTINCT table_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND column_name IN ('organization_id', 'tenant_id')"
    )
    found = sorted(table for (table,) in tables if not table.startswith(GRAPH))
    assert found == sorted([*TENANT_TABLES, *SEARCH_TABLES])


def test_the_organization_is_never_null(catalogue: Ask) -> None:
    nullable = catalogue(
        "SELECT table_name FROM information_schema.columns "
        "WHERE column_name = 'organization_id' AND is_nullable = 'YES' AND table_schema = 'public'"
    )
    assert nullable == []


FOREIGN_KEYS = """
SELECT from_table.relname, to_table.relname, array_agg(col.attname::text ORDER BY col.attname), con.convalidated
FROM pg_constraint con
JOIN pg_class from_table ON from_table.oid = con.conrelid
JOIN pg_class to_table ON to_table.oid = con.confrelid
JOIN pg_attribute col ON col.attrelid = con.conrelid AND col.attnum = ANY(con.conkey)
WHERE con.contype = 'f' AND from_table.relname = ANY(%s) AND to_table.relname = ANY(%s)
GROUP BY con.oid, from_table.relname, to_table.relname, con.convalidated
"""


def test_every_foreign_key_between_tenants_tables_carries_the_organization(catalogue: Ask) -> None:
    """A foreign key is checked past row-level security: alone it would accept another tenant's row."""
    keys = [(source, target, tuple(columns), valid) for source, target, columns, valid in catalogue(
        FOREIGN_KEYS, TENANT_TABLES, TENANT_TABLES
    )]  # fmt: skip
    plain = [(source, target, columns[0]) for source, target, columns, _ in keys if len(columns) == 1]
    assert len(plain) > 10
    for source, target, column in plain:
        twin = (source, target, tuple(sorted((column, "organization_id"))), True)
        assert twin in keys, f"{source}.{column} -> {target} has no twin with organization_id"


UNIQUE_INDEXES = """
SELECT tab.relname, idx.relname, array_agg(col.attname::text)
FROM pg_index ind
JOIN pg_class tab ON tab.oid = ind.indrelid
JOIN pg_class idx ON idx.oid = ind.indexrelid
LEFT JOIN pg_attribute col ON col.attrelid = tab.oid AND col.attnum = ANY(ind.indkey)
WHERE ind.indisunique AND NOT ind.indisprimary AND tab.relname = ANY(%s)
GROUP BY tab.relname, idx.relname
"""


def test_every_unique_index_carries_the_organization(catalogue: Ask) -> None:
    """Otherwise "already taken" tells that another tenant has it. Primary keys are random."""
    telling = [(t, i) for t, i, columns in catalogue(UNIQUE_INDEXES, TENANT_TABLES) if "organization_id" not in columns]
    assert telling == []


PRIMARY_KEYS = """
SELECT tab.relname, col.attname::text, format_type(col.atttypid, NULL)
FROM pg_index ind
JOIN pg_class tab ON tab.oid = ind.indrelid
JOIN pg_attribute col ON col.attrelid = tab.oid AND col.attnum = ANY(ind.indkey)
WHERE ind.indisprimary AND tab.relname = ANY(%s)
"""
# One sequence for all tenants: a number tells that others work too, and nothing else. SSE's Last-Event-ID needs it.
COUNTED = {"pipeline_stageevent": ("seq", "bigint")}


def test_primary_keys_are_random_uuids_but_for_the_one_listed(catalogue: Ask) -> None:
    keyed = [table for table in PROTECTED if table not in SEARCH_TABLES]
    found = {table: (column, kind) for table, column, kind in catalogue(PRIMARY_KEYS, PROTECTED)}
    assert found == dict.fromkeys(keyed, ("id", "uuid")) | COUNTED


def test_there_are_no_materialized_views(catalogue: Ask) -> None:
    """They are filled as their owner and show every tenant to everybody."""
    assert catalogue("SELECT matviewname FROM pg_matviews") == []


def test_views_look_with_the_eyes_of_who_asks(catalogue: Ask) -> None:
    views = catalogue(
        "SELECT c.relname, c.reloptions FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind = 'v' AND n.nspname = 'public'"
    )
    assert [name for name, options in views if "security_invoker=true" not in (options or [])] == []


# They make, index and drop the table of one index's graph, which only an owner can; no row passes through them.
OWNERS_FUNCTIONS = ["knowledge_graph_drop", "knowledge_graph_step"]


def test_no_function_but_those_listed_runs_with_its_owners_rights(catalogue: Ask) -> None:
    functions = catalogue(
        "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
        "WHERE n.nspname = 'public' AND p.prosecdef"
    )
    assert sorted(name for (name,) in functions) == OWNERS_FUNCTIONS


def test_no_role_of_ours_stands_above_the_policies(catalogue: Ask) -> None:
    roles = catalogue(
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolreplication FROM pg_roles "
        "WHERE rolname LIKE 'liaoyuan\\_%%' ORDER BY rolname"
    )
    assert roles == [(name, *[False] * 4) for name in ("liaoyuan_app", "liaoyuan_owner", "liaoyuan_system")]


def test_the_owner_of_the_tables_is_neither_the_application_nor_the_system(catalogue: Ask) -> None:
    owners = catalogue("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
    assert owners == [("liaoyuan_owner",)]


def test_nobody_is_a_member_of_the_owner(catalogue: Ask) -> None:
    for user in USERS:
        assert catalogue("SELECT pg_has_role(%s, 'liaoyuan_owner', 'MEMBER')", user) == [(False,)]


@pytest.mark.parametrize("user", USERS)
def test_no_user_may_truncate_or_make_tables(catalogue: Ask, user: str) -> None:
    """TRUNCATE and references do not ask row-level security."""
    for table in PROTECTED:
        assert catalogue("SELECT has_table_privilege(%s, %s, 'TRUNCATE')", user, table) == [(False,)]
    assert catalogue("SELECT has_schema_privilege(%s, 'public', 'CREATE')", user) == [(False,)]


def test_the_server_has_the_fix_for_leaking_statistics(catalogue: Ask) -> None:
    """CVE-2025-8713: planner statistics told of rows behind a policy, until 15.14, 16.10 and 17.6."""
    ((version,),) = catalogue("SELECT current_setting('server_version_num')::int")
    fixed = {15: 150014, 16: 160010, 17: 170006}
    assert version >= fixed.get(version // 10000, 180000)
