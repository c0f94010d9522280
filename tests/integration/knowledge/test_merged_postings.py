"""Words are read from an entry's own row, or from the lists beside a graph: whichever it is, scores are the same."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.indexes import graph_ensure, index_drop, index_start, live_index
from liaoyuan.knowledge.models import Chunk, Collection, Document, SearchIndex
from liaoyuan.knowledge.question import Question, analyse
from liaoyuan.knowledge.search import _graphs, scope_here, search
from tests.integration.knowledge.test_search_index import WORD, Shelf, points

QUESTION = analyse(f"本组{WORD}第3项 中心医院有限公司")
Scores = dict[str, float]


@pytest.fixture
def shelf(organization: Any) -> Iterator[Shelf]:
    with tenant_context(organization.id, groups=("ward",)):
        yield Shelf(organization, Collection.objects.create(organization_id=organization.id, name="架"))


def scores(shelf: Shelf, question: Question = QUESTION) -> tuple[Scores, int, dict[str, int]]:
    """What the words find, with scores; chunks and frequencies of what the asker may read."""
    scope = scope_here(shelf.collection.id, timezone.localdate())
    found, statistics = search(scope, question, points(1)[0], k=1000)
    lexical = {item.chunk_id: round(item.lexical, 9) for item in found if item.lexical > 0}
    return lexical, statistics.chunks, dict(statistics.frequency)


def by_own_words(shelf: Shelf) -> tuple[Scores, int, dict[str, int]]:
    """The same without any list: as a generation is searched that has no graph."""
    indexes = SearchIndex.objects.filter(id=live_index(shelf.collection.id).id)
    rows = indexes.get().graph_rows
    indexes.update(graph_rows=0)
    _graphs.clear()
    found = scores(shelf)
    indexes.update(graph_rows=rows)
    _graphs.clear()
    return found


def filled(shelf: Shelf) -> None:
    shelf.add("公开", 9)
    shelf.add("本组", 6, groups=["ward"])
    shelf.add("他组", 20, groups=["board"])
    shelf.add("中心医院", 3)
    assert graph_ensure(live_index(shelf.collection.id).id, more_than=5)


def added(shelf: Shelf) -> None:
    shelf.add("后来", 4, groups=["ward"])


def removed(shelf: Shelf) -> None:
    Document.objects.get(name="本组").delete()


def hidden(shelf: Shelf) -> None:
    Chunk.objects.filter(title="公开").update(groups=["board"])


def shown(shelf: Shelf) -> None:
    Chunk.objects.filter(title="他组").update(groups=["ward"])


def moved_and_back(shelf: Shelf) -> None:
    Chunk.objects.filter(title="公开").update(groups=["board"])
    Chunk.objects.filter(title="公开").update(groups=[])


def edited(shelf: Shelf) -> None:
    Chunk.objects.filter(title="公开", ordinal=3).update(enabled=False)


def split(shelf: Shelf) -> None:
    """Some chunks of a version get readers of their own: two entries where one was."""
    Chunk.objects.filter(title="本组", ordinal__lt=2).update(groups=["board"])


CHANGES = (added, removed, hidden, shown, moved_and_back, edited, split)


@pytest.mark.parametrize("change", CHANGES, ids=[each.__name__ for each in CHANGES])
def test_lists_count_what_the_own_words_count_after_each_kind_of_change(
    shelf: Shelf, change: Callable[[Shelf], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(shelf)
    before = scores(shelf)
    assert before == by_own_words(shelf)
    change(shelf)
    after = scores(shelf)
    assert after == by_own_words(shelf)
    assert change is moved_and_back or after != before
    monkeypatch.setattr("liaoyuan.knowledge.indexes._outgrown", lambda *_, **__: True)
    assert graph_ensure(live_index(shelf.collection.id).id)
    assert scores(shelf) == after


def stale(index: SearchIndex) -> int:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM knowledge_stale WHERE index_id = %s", [index.id])
        return int(cursor.fetchone()[0])


def test_a_build_forgets_what_was_stale_and_a_dropped_generation_all_of_it(shelf: Shelf) -> None:
    other = index_start(shelf.collection.id, embedder="multilingual-e5-small", dimensions=384, settings={})
    shelf.add("公开", 8, index=other)
    shelf.add("公告", 8, index=other)
    assert graph_ensure(other.id, more_than=5)
    assert stale(other) == 0
    Chunk.objects.filter(index=other, title="公开").update(groups=["ward"])
    assert stale(other) == 1
    assert graph_ensure(other.id, more_than=5)
    assert stale(other) == 0
    Chunk.objects.filter(index=other, title="公开").delete()
    assert stale(other) == 1
    # As many as are left are gone: reason enough for lists without them.
    assert graph_ensure(other.id, more_than=5)
    Chunk.objects.filter(index=other, title="公告", ordinal=0).update(enabled=False)
    assert stale(other) == 1
    index_drop(other.id)
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM knowledge_stale")
        assert cursor.fetchone() == (0,)
        cursor.execute(f"SELECT count(*) FROM knowledge_graph_{other.id.hex}_postings")  # noqa: S608 - a number of ours
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("listed", [False, True], ids=["own", "listed"])
def test_every_chunk_of_a_long_document_is_found_by_its_own_word(shelf: Shelf, *, listed: bool) -> None:
    """Its words take several rows; a place in the third is still the place in the document."""
    ids = shelf.add("长文", 300)
    if listed:
        assert graph_ensure(live_index(shelf.collection.id).id, more_than=5)
    texts = dict(Chunk.objects.filter(id__in=ids).values_list("ordinal", "id"))
    for ordinal in (10, 127, 128, 255, 256, 299):
        found, chunks, frequency = scores(shelf, analyse(f"{ordinal}"))
        assert chunks == 300
        assert max(found, key=lambda each: found[each]) == str(texts[ordinal])
        assert frequency[str(ordinal)] >= 1
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM knowledge_words")
        assert cursor.fetchone() == (3,)


@pytest.mark.parametrize("listed", [False, True], ids=["own", "listed"])
def test_words_with_marks_of_their_own_are_words_like_others(shelf: Shelf, *, listed: bool) -> None:
    ids = shelf.add("o'clock rock'n'roll AC/DC 3.5-inch d'", 2)
    if listed:
        assert graph_ensure(live_index(shelf.collection.id).id, more_than=1)
    for word in ("o'clock", "rock'n'roll", "AC/DC", "3.5-inch"):
        assert set(scores(shelf, analyse(word))[0]) == set(ids), word


def test_another_tenant_reads_neither_words_nor_lists_nor_what_is_stale(shelf: Shelf, other_organization: Any) -> None:
    filled(shelf)
    hidden(shelf)
    name = f"knowledge_graph_{live_index(shelf.collection.id).id.hex}_postings"
    tables = ("knowledge_words", "knowledge_stale", name)

    def counts() -> list[int]:
        with connections["default"].cursor() as cursor:
            found = []
            for table in tables:
                cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - names of this module
                found.append(int(cursor.fetchone()[0]))
        return found

    assert all(counts())
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT set_config('app.organization', %s, true)", [str(other_organization.id)])
        assert counts() == [0, 0, 0]
        cursor.execute("SELECT set_config('app.organization', %s, true)", [str(shelf.organization.id)])
