"""Who may go past the tenant's own view of the database: by plain SQL, by the system role, by a key in a shared cache.

Row-level security holds whatever the code does; these lists keep the code such that nobody has to rely on it alone. A
new module that needs one of the three is added here with its reason, by somebody who thought about it.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "platform" / "liaoyuan"

# Plain SQL runs on the tenant's connection, under its policies, unless the reason says otherwise.
PLAIN_SQL = {
    "accounts/audit.py": "the advisory lock of a chain's writer",
    "accounts/tenancy.py": "tells PostgreSQL for whom it works",
    "api/health/checks.py": "SELECT 1",
    "compute/engines/postgres.py": "makes roles and databases before there are tenants",
    "compute/services.py": "the advisory lock of a reservation",
    "config/doctor/services.py": "asks the catalogue about roles and row-level security",
    "console/audit.py": "the operators' own chain, which belongs to no tenant",
    "console/selectors/machine.py": "sizes and connections of the whole server",
    "console/support/facts.py": "versions and counts for the support file",
    "knowledge/indexes.py": "builds the graph of a large index, which is a table of its own",
    "knowledge/search.py": "vector and word search with the reader's groups in its WHERE",
    "knowledge/services/indexing.py": "COPY of chunks into the tenant's partition",
    "knowledge/tidying.py": "the lock behind which unused audiences of a tenant go",
    "pipeline/events.py": "the lock that orders events, and NOTIFY",
    "pipeline/neighbours.py": "the recursive walk of the lineage",
    "pipeline/selectors.py": "the recursive walk of the lineage",
    "pipeline/services/doorbells.py": "SKIP LOCKED over the outbox, as the system role",
    "pipeline/services/reaping.py": "the database's clock, as the system role",
    "security/controls/database.py": "asks the catalogue whether the isolation holds",
}
# The system role sees several tenants, table by table as its policies say (tests/integration/accounts/test_catalogue).
SYSTEM_ROLE = {"accounts", "compute", "config", "console", "operations", "pipeline"}
# Modules that keep something in the shared cache, and what keeps tenants apart in its keys.
CACHE = {
    "accounts/adapters/activity.py": "the digest of a session's key",
    "console/selectors/machine.py": "facts of the machine; no tenant's",
    "portal/people/once.py": "organization, user and a random ticket",
}
CONNECTION = re.compile(r"connections?(\[.*\])?|transaction\.get_connection\(.*\)")
CACHE_CALLS = {"add", "get", "set", "incr", "delete", "get_or_set", "touch", "get_many", "set_many"}


def sources() -> Iterator[tuple[str, ast.AST]]:
    for file in sorted(PACKAGE.rglob("*.py")):
        if "migrations" not in file.parts:
            yield str(file.relative_to(PACKAGE)), ast.parse(file.read_text(encoding="utf-8"))


def calls(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """(object, method) of every call of a method, (\"\", name) of every call of a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield ast.unparse(node.func.value), node.func.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield "", node.func.id


def plain_sql(tree: ast.AST) -> bool:
    """A cursor of a Django connection, by whatever name, or a queryset's way out of the ORM."""
    for owner, name in calls(tree):
        if name == "cursor" and owner.split("[")[0].split("(")[0] in {
            "connection",
            "connections",
            "transaction.get_connection",
        }:
            return True
        if name in {"raw", "extra"} and ".objects" in owner:
            return True
        if name in {"connect", "Cursor"} and owner == "psycopg":
            return True
        if (owner, name) == ("", "tenant_cursor"):
            return True
    return False


def test_plain_sql_stands_only_where_somebody_thought_about_it() -> None:
    found = {name for name, tree in sources() if plain_sql(tree)}
    assert found - set(PLAIN_SQL) == set()
    assert set(PLAIN_SQL) - found <= {"compute/engines/postgres.py"}


def test_the_system_role_is_for_operators_and_the_machinery() -> None:
    found = {name for name, tree in sources() if ("", "system_context") in set(calls(tree))}
    assert {name.split("/")[0] for name in found} <= SYSTEM_ROLE


@pytest.mark.parametrize("layer", ["portal", "api/rest", "api/openai", "knowledge", "data", "training", "deployment"])
def test_pages_calls_and_stages_never_leave_their_tenant(layer: str) -> None:
    for name, tree in sources():
        if name.startswith(f"{layer}/"):
            found = set(calls(tree))
            assert ("", "system_context") not in found, name
            assert not {owner for owner, method in found if method == "using" and ".objects" in owner}, name


def test_what_is_kept_in_the_shared_cache_is_kept_apart() -> None:
    found = {
        name for name, tree in sources() if any(o == "cache" and method in CACHE_CALLS for o, method in calls(tree))
    }
    assert found - set(CACHE) == set()


def test_no_model_forgets_its_organization() -> None:
    """Tables without one hold people and their sign-ins, the operators' own records, or the library's."""
    from django.apps import apps

    from liaoyuan.accounts.models import TenantModel

    ours = [model for model in apps.get_models() if model.__module__.startswith("liaoyuan.")]
    without = {model._meta.label for model in ours if not issubclass(model, TenantModel)}
    fields = {model._meta.label for model in ours if any(f.name == "organization" for f in model._meta.get_fields())}
    of_the_machine = {"accounts.User", "accounts.Organization", "accounts.LoginLink", "training.BaseModel"}
    domain = {"accounts", "pipeline", "knowledge", "data", "training", "deployment", "security", "operations"}
    assert {label for label in without if label.split(".")[0] in domain} - of_the_machine <= {"pipeline.WorkerBeat"}
    assert fields & without == set()
