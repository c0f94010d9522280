"""A database that holds documents is carried from an older schema to the newest: every search finds the same."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from liaoyuan.accounts.tenancy import system_context, tenant_context
from liaoyuan.compute.engines import postgres
from liaoyuan.knowledge.indexes import live_index
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.question import analyse
from liaoyuan.knowledge.search import nearest, scope_here, search
from tests.conftest import _organization
from tests.engines import ADDRESSES, database_use
from tests.integration.knowledge.test_search_index import WORD, Shelf, points

pytestmark = pytest.mark.slow
OLD = ("knowledge", "0012_search_audiences")
# From what others rest on to what rests on them; postings and vectors are written by the database itself.
TABLES = ("collection", "document", "documentversion", "searchindex", "chunk")
ASKED = (WORD, f"本组{WORD}第3项", "第11项", "已废止")
NEAR = points(1)[0]
# More than there are: of equal scores any may be the last of a shorter list.
ALL = 400
Found = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Asker:
    """Somebody's view of a collection; ``groups`` None reads everything."""

    organization_id: UUID
    collection_id: UUID
    groups: tuple[str, ...] | None
    day: date


@contextmanager
def own_database(ordinary: str) -> Iterator[str]:
    """An empty database that this process uses instead of the session's, until the end."""
    name = f"test_carried_{os.getpid()}"
    postgres.drop_database(ADDRESSES, name)
    postgres.create_database(ADDRESSES, name)
    try:
        yield name
    finally:
        database_use(ordinary)
        postgres.drop_database(ADDRESSES, name)


def filled(label: str) -> tuple[Any, Collection]:
    """A tenant whose documents differ in readers and days; one chunk is switched off, one version has two audiences."""
    organization, today = _organization(label), timezone.localdate()
    with tenant_context(organization.id):
        collection = Collection.objects.create(organization_id=organization.id, name="架")
        shelf = Shelf(organization, collection)
        shelf.add("公开", 12)
        shelf.add("本组", 6, groups=["ward"])
        shelf.add("两组", 5, groups=["ward", "board"])
        shelf.add("他组", 20, groups=["board"])
        shelf.add("已废止", 4, days=(None, today))
        shelf.add("明日生效", 3, days=(today + timedelta(days=1), None))
        mixed = shelf.add("先后改组", 6)
        chunks = live_index(collection.id).chunks
        chunks.filter(id__in=mixed[:2]).update(groups=["board"])
        chunks.filter(id=mixed[5]).update(enabled=False)
    return organization, collection


def askers(organization: Any, collection: Collection) -> list[Asker]:
    today = timezone.localdate()
    days = (today - timedelta(days=30), today, today + timedelta(days=30))
    readers: list[tuple[str, ...] | None] = [None, (), ("ward",), ("board",), ("ward", "board")]
    return [Asker(organization.id, collection.id, groups, day) for groups in readers for day in days]


def seen(asker: Asker) -> list[tuple[Found, Sequence[str]]]:
    """What each question finds by its scores, and what is nearest."""
    with tenant_context(asker.organization_id, groups=asker.groups):
        scope = scope_here(asker.collection_id, asker.day)
        near = [item.chunk_id for item in nearest(scope, NEAR, k=ALL)]
        told = []
        for question in ASKED:
            found, _ = search(scope, analyse(question), NEAR, k=ALL)
            told.append(({item.chunk_id: (round(item.lexical, 9), round(item.cosine, 6)) for item in found}, near))
        return told


def columns(alias: str, table: str) -> list[str]:
    query = "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND is_generated = 'NEVER' "
    with connections[alias].cursor() as cursor:
        cursor.execute(f"{query} AND is_identity = 'NO' ORDER BY ordinal_position", [f"knowledge_{table}"])
        return [row[0] for row in cursor.fetchall()]


def read(organization_id: UUID, table: str) -> list[str]:
    """The tenant's rows of a table, each as JSON."""
    with tenant_context(organization_id), connections["default"].cursor() as cursor:
        cursor.execute(f"SELECT to_json(t)::text FROM knowledge_{table} t")  # noqa: S608 - constants of this module
        return [row[0] for row in cursor.fetchall()]


def write(organization_id: UUID, table: str, rows: Sequence[str]) -> None:
    """The same rows into the older table: what it does not know yet is left out."""
    names = ", ".join(columns("owner", table))
    with tenant_context(organization_id), connections["default"].cursor() as cursor:
        cursor.execute(
            f"INSERT INTO knowledge_{table} ({names}) SELECT {names} "  # noqa: S608 - names of the catalogue
            f"FROM json_populate_recordset(NULL::knowledge_{table}, %s)",
            [f"[{','.join(rows)}]"],
        )


_BEFORE = "SELECT entry, term, unnest(places) AS place FROM knowledge_posting"
_AFTER = """
SELECT entry, lexeme COLLATE "C" AS term, (before + position) << 8 | get_byte(classes, position - 1) AS place
FROM knowledge_words CROSS JOIN LATERAL unnest(words) CROSS JOIN LATERAL unnest(positions) AS p(position)
"""


def postings(organization_id: UUID, kept: str) -> list[tuple[Any, ...]]:
    """Each posting by what outlasts every schema: the version it is of, its audience, its term and its places."""
    with tenant_context(organization_id), connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT e.version_id, e.audience, p.term, array_agg(p.place ORDER BY p.place) "  # noqa: S608 - constants
            f"FROM ({kept}) p JOIN knowledge_searchentry e ON e.seat = p.entry GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        )
        return cursor.fetchall()


def migrate(name: str, *, knowledge: tuple[str, str] | None) -> None:
    """Every app to its newest state, knowledge to the named one."""
    database_use(name)
    executor = MigrationExecutor(connections["owner"])
    targets = [leaf for leaf in executor.loader.graph.leaf_nodes() if knowledge is None or leaf[0] != knowledge[0]]
    executor.migrate(targets + ([knowledge] if knowledge else []))
    database_use(name)


def test_documents_of_an_older_database_are_found_as_before_with_the_same_scores(database: str) -> None:
    tenants = [filled("carried"), filled("neighbour")]
    asked = [asker for tenant in tenants for asker in askers(*tenant)]
    fresh = [seen(asker) for asker in asked]
    assert any(found for told in fresh for found, _ in told)
    rows = {organization.id: {table: read(organization.id, table) for table in TABLES} for organization, _ in tenants}
    with own_database(database) as name:
        migrate(name, knowledge=OLD)
        for organization, _ in tenants:
            with system_context("test") as alias:
                type(organization).objects.using(alias).create(id=organization.id, name=organization.name)
            for table in TABLES:
                write(organization.id, table, rows[organization.id][table])
        before = [postings(organization.id, _BEFORE) for organization, _ in tenants]
        assert all(before)
        migrate(name, knowledge=None)
        assert [postings(organization.id, _AFTER) for organization, _ in tenants] == before
        assert [seen(asker) for asker in asked] == fresh
        # What was carried is kept from then on like what is new.
        for organization, collection in tenants:
            with tenant_context(organization.id):
                live_index(collection.id).chunks.filter(version__document__name="公开").update(groups=["nobody"])
        for asker, told in zip(asked, fresh, strict=True):
            if asker.groups == ():
                assert len(seen(asker)[0][0]) == len(told[0][0]) - 12
