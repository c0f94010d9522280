"""What a search must never find, by words or by vector, scanned or walked; and that rights cost an index look-up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from django.db import DatabaseError, connections, transaction
from django.utils import timezone

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge import statements
from liaoyuan.knowledge.chunking import ChunkDraft
from liaoyuan.knowledge.errors import EmbeddingMismatch, IndexBusy, IndexNotReady
from liaoyuan.knowledge.indexes import graph_ensure, index_drop, index_start, index_swap, live_index
from liaoyuan.knowledge.models import Chunk, Collection, Document, DocumentVersion, IndexState, SearchIndex
from liaoyuan.knowledge.question import analyse
from liaoyuan.knowledge.search import _graphs, _limits, _vector, nearest, scope_here, search, tenant_cursor
from liaoyuan.knowledge.services.indexing import chunks_write

WORD = "医疗废物贮存"
RANDOM = np.random.default_rng(3)
CENTRE = RANDOM.normal(0, 1, 384)


def points(count: int) -> Any:
    """Unit vectors around one centre, as those of one trade lie."""
    found = CENTRE + RANDOM.normal(0, 0.6, (count, 384))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


@dataclass
class Shelf:
    """A collection to which the tests add documents of so many chunks each."""

    organization: Any
    collection: Collection

    def add(
        self,
        name: str,
        count: int = 4,
        *,
        groups: Sequence[str] = (),
        days: tuple[date | None, date | None] = (None, None),
        index: SearchIndex | None = None,
    ) -> list[str]:
        own = {"organization_id": self.organization.id}
        document, _ = Document.objects.get_or_create(**own, collection=self.collection, name=name)
        version, _ = DocumentVersion.objects.get_or_create(
            **own, document=document, number=1, file_name=name, sha256="", size=0, source_key="", state="in_force",
            groups=list(groups), effective_from=days[0], effective_to=days[1],
        )  # fmt: skip
        drafts = [ChunkDraft("section", f"{name}：{WORD}第{n}项", (), "", None, None, ()) for n in range(count)]
        index = index or live_index(self.collection.id)
        chunks_write(version, name, drafts, list(points(count)), index=index)
        ids = Chunk.objects.filter(version=version, index=index).values_list("id", flat=True)
        return [str(each) for each in ids]

    def found(self, *, exact_rows: int, index_id: UUID | None = None) -> tuple[set[str], set[str]]:
        """What the words find and what the vectors find; either is asked for more than there is, and the vectors
        twice: the second time they are asked by what the first told."""
        scope = scope_here(self.collection.id, timezone.localdate(), index_id)
        both, _ = search(scope, analyse(WORD), points(1)[0], k=400, exact_rows=exact_rows)
        near, again = (
            {item.chunk_id for item in nearest(scope, points(1)[0], k=400, exact_rows=exact_rows)} for _ in range(2)
        )
        assert near == again
        return {item.chunk_id for item in both if item.lexical > 0}, near


@pytest.fixture
def shelf(organization: Any) -> Iterator[Shelf]:
    with tenant_context(organization.id, groups=("ward",)):
        yield Shelf(organization, Collection.objects.create(organization_id=organization.id, name="架"))


@pytest.mark.parametrize("walked", [False, True], ids=["scanned", "walked"])
def test_neither_words_nor_vectors_find_what_the_asker_may_not_see(shelf: Shelf, *, walked: bool) -> None:
    today, day = timezone.localdate(), timedelta(days=1)
    seen = shelf.add("公开") + shelf.add("本组", groups=["ward", "board"]) + shelf.add("今起", days=(today, None))
    shelf.add("他组", groups=["board"])
    shelf.add("已废止", days=(None, today))
    shelf.add("明日生效", days=(today + day, None))
    half = shelf.add("部分停用")
    other = index_start(shelf.collection.id, embedder="multilingual-e5-small", dimensions=384, settings={})
    shadow = shelf.add("公开", index=other)
    if walked:
        assert graph_ensure(live_index(shelf.collection.id).id, more_than=0)
    Chunk.objects.filter(id__in=half[:2]).update(enabled=False)
    late = shelf.add("图外")
    wanted = {*seen, *half[2:], *late}
    assert shelf.found(exact_rows=0 if walked else 1000) == (wanted, wanted)
    assert shelf.found(exact_rows=1000, index_id=other.id) == (set(shadow), set(shadow))


def test_rights_and_days_follow_their_chunks_at_once(shelf: Shelf) -> None:
    ids = shelf.add("制度")
    graph_ensure(live_index(shelf.collection.id).id, more_than=0)
    Chunk.objects.filter(id__in=ids).update(groups=["board"])
    assert shelf.found(exact_rows=0) == (set(), set())
    Chunk.objects.filter(id__in=ids[1:]).update(groups=["ward"])
    assert shelf.found(exact_rows=1000) == (set(ids[1:]), set(ids[1:]))
    Chunk.objects.filter(id__in=ids[1:]).update(effective_to=timezone.localdate())
    assert shelf.found(exact_rows=0) == (set(), set())


def test_common_words_beyond_the_budget_count_as_if_they_were_weighed_like_the_others(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One question weighs 60,000 postings; of commoner words the best chunks alone are asked, with the same scores."""
    shelf.add("公开", 12)
    shelf.add("本组", 6, groups=["ward"])
    shelf.add("他组", 20, groups=["board"])
    scope = scope_here(shelf.collection.id, timezone.localdate())
    question = analyse(f"本组{WORD}第3项")

    def scores() -> dict[str, float]:
        found, _ = search(scope, question, points(1)[0], k=100)
        return {item.chunk_id: round(item.lexical, 9) for item in found if item.lexical > 0}

    whole = scores()
    # 18 chunks hold the common words, 6 the rare one: from 6 postings on the rare one alone is weighed at first.
    monkeypatch.setattr("liaoyuan.knowledge.search._BUDGET", 6)
    capped = scores()
    assert len(whole) == 18
    assert len(capped) == 6
    assert capped == {chunk_id: whole[chunk_id] for chunk_id in capped}
    assert min(capped.values()) > max(score for chunk_id, score in whole.items() if chunk_id not in capped)


def test_statistics_are_those_of_what_the_asker_may_read(shelf: Shelf) -> None:
    shelf.add("公开", 3)
    shelf.add("他组", 40, groups=["board"])
    scope = scope_here(shelf.collection.id, timezone.localdate())
    _, statistics = search(scope, analyse(WORD), points(1)[0])
    assert (statistics.chunks, statistics.frequency["贮存"]) == (3, 3)


def test_a_vector_of_another_model_is_refused(shelf: Shelf) -> None:
    shelf.add("公开")
    with pytest.raises(EmbeddingMismatch):
        nearest(scope_here(shelf.collection.id, timezone.localdate()), np.ones(512, dtype=np.float32))


def test_a_swap_shows_the_new_generation_whole_and_may_be_taken_back(shelf: Shelf) -> None:
    old = set(shelf.add("制度"))
    first = live_index(shelf.collection.id)
    second = index_start(shelf.collection.id, embedder="multilingual-e5-small", dimensions=384, settings={})
    with pytest.raises(IndexNotReady):
        index_swap(second.id)
    new = set(shelf.add("制度", index=second))
    SearchIndex.objects.filter(id=second.id).update(state=IndexState.READY)
    index_swap(second.id)
    assert shelf.found(exact_rows=1000) == (new, new)
    index_swap(first.id)
    assert shelf.found(exact_rows=1000) == (old, old)
    with pytest.raises(IndexBusy):
        index_drop(first.id)


def test_a_dropped_generation_takes_its_graph_and_its_rows_along(shelf: Shelf) -> None:
    other = index_start(shelf.collection.id, embedder="multilingual-e5-small", dimensions=384, settings={})
    shelf.add("制度", index=other)
    graph_ensure(other.id, more_than=0)
    assert index_drop(other.id) == 4
    with connections["default"].cursor() as cursor:
        # The empty table stays for an hour, for searches that were told of it a moment ago.
        cursor.execute(f"SELECT count(*) FROM knowledge_graph_{other.id.hex}")  # noqa: S608 - a number of ours
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT (SELECT count(*) FROM knowledge_vector), (SELECT count(*) FROM knowledge_words)")
        assert cursor.fetchone() == (0, 0)
    assert shelf.found(exact_rows=0, index_id=other.id) == (set(), set())


def test_a_search_that_was_told_of_a_graph_asks_the_one_that_is_read_now(shelf: Shelf) -> None:
    old = set(shelf.add("制度"))
    first = live_index(shelf.collection.id)
    graph_ensure(first.id, more_than=0)
    assert shelf.found(exact_rows=0) == (old, old)
    second = index_start(shelf.collection.id, embedder="multilingual-e5-small", dimensions=384, settings={})
    new = set(shelf.add("制度", index=second))
    SearchIndex.objects.filter(id=second.id).update(state=IndexState.READY)
    index_swap(second.id)
    assert shelf.found(exact_rows=0) == (new, new)
    index_drop(first.id)
    assert shelf.found(exact_rows=0) == (new, new)


def test_who_could_read_all_of_it_a_moment_ago_finds_nothing_that_was_hidden_since(shelf: Shelf) -> None:
    ids = shelf.add("公开", 8)
    graph_ensure(live_index(shelf.collection.id).id, more_than=0)
    for _ in range(3):
        assert shelf.found(exact_rows=0) == (set(ids), set(ids))
    Chunk.objects.filter(id__in=ids[:3]).update(groups=["board"])
    left = {*ids[3:], *shelf.add("图外")}
    shelf.add("他组", groups=["board"])
    for _ in range(3):
        assert shelf.found(exact_rows=0) == (left, left)


@pytest.mark.parametrize("way", ["scan", "open"])
def test_the_quick_way_that_a_search_was_told_hides_what_was_hidden_since(shelf: Shelf, way: str) -> None:
    """A group taken away, a last day reached, another day asked for, another tenant: each at once, by the same way."""
    ids = shelf.add("公开", 8)
    today = timezone.localdate()
    graph_ensure(live_index(shelf.collection.id).id, more_than=0)

    def seen(day: date = today) -> set[str]:
        scope = scope_here(shelf.collection.id, day)
        return {item.chunk_id for item in nearest(scope, points(1)[0], exact_rows=0 if way == "open" else 400)}

    assert seen() == seen() == set(ids)
    assert [told.way for told in _graphs.values() if told.index_id == live_index(shelf.collection.id).id] == [way]
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT set_config('app.organization', gen_random_uuid()::text, true)")
        assert seen() == set()
        cursor.execute("SELECT set_config('app.organization', %s, true)", [str(shelf.organization.id)])
    Chunk.objects.filter(id=ids[0]).update(groups=["board"])
    Chunk.objects.filter(id=ids[1]).update(effective_to=today)
    Chunk.objects.filter(id=ids[2]).update(enabled=False)
    assert seen() == seen() == set(ids[3:])
    assert seen(today - timedelta(days=1)) == {ids[1], *ids[3:]}


def test_an_open_walk_that_meets_something_hidden_since_brings_the_next_ones_instead(shelf: Shelf) -> None:
    ids = shelf.add("公开", 8)
    graph_ensure(live_index(shelf.collection.id).id, more_than=0)

    question = points(1)[0]

    def seen() -> list[str]:
        scope = scope_here(shelf.collection.id, timezone.localdate())
        return [item.chunk_id for item in nearest(scope, question, k=3, exact_rows=0)]

    first = seen()
    assert len(first) == 3 and seen() == first
    told = [each for each in _graphs.values() if each.index_id == live_index(shelf.collection.id).id]
    assert [each.way for each in told] == ["open"]
    Chunk.objects.filter(id=first[0]).update(groups=["board"])
    assert seen() == seen() and seen()[:2] == first[1:] and first[0] not in seen() and len(seen()) == 3
    young = shelf.add("图外")
    assert set(seen()) <= {*ids, *young} - {first[0]} and len(seen()) == 3


def test_a_stranger_can_neither_make_nor_replace_the_graph_of_an_index_whose_id_they_know(
    shelf: Shelf, organization: Any
) -> None:
    ids = set(shelf.add("公开"))
    index = live_index(shelf.collection.id)
    graph_ensure(index.id, more_than=0)
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT set_config('app.organization', gen_random_uuid()::text, true)")
        for step in ("make", "index"):
            cursor.execute("UPDATE knowledge_searchindex SET graph_step = %s WHERE id = %s", [step, index.id])
            assert cursor.rowcount == 0
        assert not graph_ensure(index.id, more_than=0)
        cursor.execute("SELECT to_regclass(%s)", [f"knowledge_graph_{index.id.hex}_next"])
        assert cursor.fetchone() == (None,)
        for function in ("knowledge_graph_step()", "knowledge_graph_drop()", "knowledge_graphs_sweep()"):
            with pytest.raises(DatabaseError, match=r"trigger|permission"), transaction.atomic():
                cursor.execute(f"SELECT {function}")
        cursor.execute("SELECT set_config('app.organization', %s, true)", [str(organization.id)])
    assert shelf.found(exact_rows=0) == (ids, ids)


def test_a_graph_is_built_when_enough_stands_outside_and_again_when_a_quarter_does(shelf: Shelf) -> None:
    index = live_index(shelf.collection.id)
    shelf.add("一", 8)
    assert [graph_ensure(index.id, more_than=8), graph_ensure(index.id, more_than=1)] == [False, True]
    shelf.add("二", 2)
    assert not graph_ensure(index.id, more_than=1)
    shelf.add("三", 2)
    assert graph_ensure(index.id, more_than=1)
    assert len(shelf.found(exact_rows=0)[1]) == 12


def test_while_more_follows_a_graph_waits_until_it_is_outnumbered(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liaoyuan.knowledge.indexes._ROWS_MEANWHILE", 4)
    index = live_index(shelf.collection.id)
    built = []
    for name, count in (("一", 4), ("二", 1), ("三", 5), ("四", 1), ("五", 6)):
        shelf.add(name, count)
        built.append(graph_ensure(index.id, meanwhile=True))
    assert built == [False, True, False, True, False]
    assert len(shelf.found(exact_rows=0)[1]) == 17


def plan_nodes(statement: str, parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node of the plan as it ran, for the application's role."""
    with tenant_cursor() as cursor:
        [(found,)] = cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, parameters).fetchall()
    waiting = [found[0]["Plan"]]
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", [])
        yield node


@pytest.mark.parametrize(
    "statement",
    [statements.VECTORS_EXACT, statements.quick("scan"), statements.HYBRID_EXACT],
    ids=["vector", "told", "hybrid"],
)
def test_one_percent_visible_is_looked_up_and_nothing_else_is_read(shelf: Shelf, statement: str) -> None:
    """Hidden rows outnumber the visible a hundred to one; none of them is touched."""
    for number in range(3):
        shelf.add(f"他组{number}", 130, groups=["board"])
    shelf.add("本组", 4, groups=["ward"])
    scope = scope_here(shelf.collection.id, timezone.localdate())
    parameters = scope.parameters() | _vector(points(1)[0]) | _limits(50, 1000)
    parameters |= {
        "budget": 1000,
        "terms": analyse(WORD).search_terms(),
        "told": live_index(shelf.collection.id).id,
        "view": "24",
    }
    wide = {"knowledge_vector", "knowledge_words", "knowledge_chunk"}
    read = [node for node in plan_nodes(statement, parameters) if node.get("Relation Name") in wide]
    assert {node["Node Type"] for node in read} <= {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}
    for node in read:
        passed_by = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        touched = (node["Actual Rows"] + passed_by) * node["Actual Loops"]
        assert touched <= 4 * len(parameters["terms"]), node
    assert sum(node["Relation Name"] == "knowledge_vector" for node in read) >= 1


def test_a_stranger_finds_nothing_in_a_collection_whose_id_they_know(shelf: Shelf, organization: Any) -> None:
    shelf.add("公开")
    collection_id = shelf.collection.id
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT set_config('app.organization', gen_random_uuid()::text, true)")
        assert nearest(scope_here(collection_id, timezone.localdate()), points(1)[0]) == []
        cursor.execute("SELECT set_config('app.organization', %s, true)", [str(organization.id)])
    assert len(nearest(scope_here(collection_id, timezone.localdate()), points(1)[0])) == 4
