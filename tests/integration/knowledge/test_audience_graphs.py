"""Readers of a part walk a graph of that part alone: what they find is what a scan finds, whatever changed since."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connections, transaction
from django.utils import timezone

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge import statements
from liaoyuan.knowledge.indexes import graph_ensure, live_index
from liaoyuan.knowledge.models import Chunk, Collection, SearchIndex
from liaoyuan.knowledge.search import _graphs, _limits, _vector, nearest, scope_here
from liaoyuan.knowledge.tidying import graphs_fit
from tests.integration.knowledge.test_search_index import Shelf, plan_nodes, points

QUESTION = points(1)[0]


@pytest.fixture
def shelf(organization: Any) -> Iterator[Shelf]:
    """Thirty chunks of the ward among a hundred, which have a graph of their own; the asker belongs to the ward."""
    with tenant_context(organization.id, groups=("ward",)):
        shelf = Shelf(organization, Collection.objects.create(organization_id=organization.id, name="架"))
        for number in range(3):
            shelf.add(f"本组{number}", 10, groups=["ward"])
        shelf.add("他组", 66, groups=["board"])
        shelf.add("公开", 4)
        assert graph_ensure(live_index(shelf.collection.id).id, more_than=5)
        yield shelf


def walked(shelf: Shelf) -> list[str]:
    """By the quick way that the search before told of."""
    scope = scope_here(shelf.collection.id, timezone.localdate())
    nearest(scope, QUESTION, k=10, exact_rows=10)
    told = _graphs[scope, 10, 10]
    assert told.way == "shares"
    return [item.chunk_id for item in nearest(scope, QUESTION, k=10, exact_rows=10)]


def scanned(shelf: Shelf) -> list[str]:
    scope = scope_here(shelf.collection.id, timezone.localdate())
    return [item.chunk_id for item in nearest(scope, QUESTION, k=10, exact_rows=100_000)]


def test_a_part_has_a_graph_of_its_own_and_neither_most_of_all_nor_a_few(shelf: Shelf) -> None:
    [own] = SearchIndex.objects.values_list("graph_audiences", flat=True)
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT seat FROM knowledge_searchaudience WHERE groups = '{ward}'")
        assert [seat for (seat,) in cursor.fetchall()] == own


def test_its_readers_find_what_a_scan_finds(shelf: Shelf) -> None:
    assert walked(shelf) == scanned(shelf)


def test_the_statement_walks_the_part_and_not_the_whole(shelf: Shelf) -> None:
    index = SearchIndex.objects.get()
    statement = statements.quick("shares", tuple(index.graph_audiences))
    graph = f"knowledge_graph_{index.id.hex}"
    parameters = scope_here(shelf.collection.id, timezone.localdate()).parameters() | _vector(QUESTION)
    parameters |= _limits(10, 10) | {"told": index.id, "view": "24"}
    with connections["default"].cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    nodes = list(plan_nodes(statements.of_graph(statement, graph, 384), parameters))
    [walk] = [node for node in nodes if node.get("Relation Name") == graph]
    assert walk["Node Type"] == "Index Scan"
    assert walk.get("Rows Removed by Filter", 0) == 0
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [walk["Index Name"]])
        assert f"WHERE (audience = {index.graph_audiences[0]})" in cursor.fetchone()[0]


@pytest.mark.parametrize(
    "change",
    [{"groups": ["board"]}, {"effective_to": timezone.localdate()}, {"enabled": False}, {"groups": []}],
    ids=["hidden", "out of force", "switched off", "opened to all"],
)
def test_what_leaves_the_part_is_gone_or_found_at_once(shelf: Shelf, change: dict[str, Any]) -> None:
    first = walked(shelf)
    version = Chunk.objects.get(id=first[0]).version_id
    Chunk.objects.filter(version=version).update(**change)
    gone = {str(each) for each in Chunk.objects.filter(version=version).values_list("id", flat=True)}
    now = walked(shelf)
    assert now == scanned(shelf)
    assert len(now) == len(set(now)) == 10
    assert bool(gone & set(now)) == (change == {"groups": []})


def test_one_chunk_alone_that_is_hidden_is_gone_at_once(shelf: Shelf) -> None:
    first = walked(shelf)
    Chunk.objects.filter(id=first[0]).update(groups=["board"])
    assert first[0] not in walked(shelf)
    assert walked(shelf) == scanned(shelf)


def test_what_enters_the_part_is_found_at_once(shelf: Shelf) -> None:
    walked(shelf)
    board = Chunk.objects.filter(groups=["board"])
    version = board.values_list("version", flat=True)[0]
    Chunk.objects.filter(version=version).update(groups=["ward"])
    young = shelf.add("新到", 6, groups=["ward"])
    assert walked(shelf) == scanned(shelf)
    assert set(scanned(shelf)) & {*young, *(str(each) for each in board.values_list("id", flat=True)), *walked(shelf)}
    assert graph_ensure(SearchIndex.objects.get().id, more_than=5)
    assert scanned(shelf) == [
        item.chunk_id
        for item in nearest(scope_here(shelf.collection.id, timezone.localdate()), QUESTION, k=10, exact_rows=0)
    ]


def test_an_audience_that_has_grown_large_by_changed_rights_gets_its_graph_in_the_next_round(shelf: Shelf) -> None:
    """A graph from before there were graphs for audiences is built anew the same way."""
    index = SearchIndex.objects.get()
    SearchIndex.objects.update(graph_audiences=[])
    assert not graph_ensure(index.id, more_than=5)
    assert graph_ensure(index.id, more_than=5, parts=True)
    assert not graph_ensure(index.id, more_than=5, parts=True)
    versions = Chunk.objects.filter(groups=["ward"]).values_list("version", flat=True).distinct()
    Chunk.objects.filter(version__in=list(versions)).update(groups=["night", "ward"])
    assert graph_ensure(index.id, more_than=5, parts=True)
    assert len(SearchIndex.objects.get().graph_audiences) == 1
    assert walked(shelf) == scanned(shelf)


def test_the_hourly_round_builds_the_graph_that_changed_rights_ask_for(organization: Any) -> None:
    with tenant_context(organization.id, groups=("ward",)):
        shelf = Shelf(organization, Collection.objects.create(organization_id=organization.id, name="架"))
        shelf.add("病区", 401)
        shelf.add("其余", 402)
        graph_ensure(live_index(shelf.collection.id).id)
        versions = Chunk.objects.filter(title="病区").values_list("version", flat=True).distinct()
        Chunk.objects.filter(version__in=list(versions)).update(groups=["ward"])
        assert SearchIndex.objects.get().graph_audiences == []
    assert [graphs_fit(organization.id), graphs_fit(organization.id)] == [1, 0]
    with tenant_context(organization.id, groups=("ward",)):
        assert len(SearchIndex.objects.get().graph_audiences) == 1


def test_another_group_another_day_another_tenant_find_nothing_of_it(shelf: Shelf, organization: Any) -> None:
    wards = {str(each) for each in Chunk.objects.filter(groups=["ward"]).values_list("id", flat=True)}
    mine = set(walked(shelf)) & wards
    assert mine
    day = timezone.localdate()
    with tenant_context(organization.id, groups=("other",)):
        scope = scope_here(shelf.collection.id, day)
        assert not mine & {item.chunk_id for item in nearest(scope, QUESTION, k=10, exact_rows=10)}
    Chunk.objects.filter(id__in=mine).update(effective_from=day)
    before = scope_here(shelf.collection.id, day - timedelta(days=1))
    assert not mine & {item.chunk_id for item in nearest(before, QUESTION, k=10, exact_rows=10)}
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT set_config('app.organization', gen_random_uuid()::text, true)")
        assert nearest(scope_here(shelf.collection.id, day), QUESTION, k=10, exact_rows=10) == []


def test_nobody_orders_graphs_without_number(shelf: Shelf) -> None:
    index = SearchIndex.objects.get()
    with pytest.raises(DatabaseError, match="too many graphs"), transaction.atomic():
        SearchIndex.objects.filter(id=index.id).update(graph_audiences=list(range(65)), graph_step="index")
