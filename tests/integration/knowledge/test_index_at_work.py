"""Askers, writers, deleters, changed rights and builds at once: nobody fails, and what is found in the end is right."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.indexes import graph_ensure, live_index
from liaoyuan.knowledge.models import Chunk, Collection, Document, DocumentVersion, SearchIndex
from liaoyuan.knowledge.question import analyse
from liaoyuan.knowledge.search import _graphs, nearest, scope_here, search
from tests.integration.knowledge.test_search_index import WORD, Shelf, points

pytestmark = pytest.mark.slow
SECONDS = 15.0
LEAST = 20
READERS: list[tuple[str, ...] | None] = [None, ("ward",), ("board",), ()]
GROUPS: list[list[str]] = [[], ["ward"], ["board"]]
QUESTION = analyse(f"{WORD}第3项")
Found = tuple[list[float], int, dict[str, int]]


class House:
    """One collection, and what everybody does in it."""

    def __init__(self, organization: Any) -> None:
        self.organization = organization
        self.done: Counter[str] = Counter()
        with tenant_context(organization.id):
            collection = Collection.objects.create(organization_id=organization.id, name="架")
            self.shelf = Shelf(organization, collection)
            self.index_id = live_index(collection.id).id

    def write(self) -> None:
        with tenant_context(self.organization.id):
            self.shelf.add(uuid4().hex, random.randint(2, 20), groups=random.choice(GROUPS))

    def delete(self) -> None:
        with tenant_context(self.organization.id):
            documents = Document.objects.order_by("?")
            # As many are left as make a graph, however much faster deleting is than writing.
            if documents.count() > LEAST:
                documents[0].delete()

    def regroup(self) -> None:
        with tenant_context(self.organization.id):
            if version := DocumentVersion.objects.order_by("?").first():
                Chunk.objects.filter(version=version).update(groups=random.choice(GROUPS))

    def switch(self) -> None:
        with tenant_context(self.organization.id):
            if chunk := Chunk.objects.order_by("?").first():
                Chunk.objects.filter(id=chunk.id).update(enabled=not chunk.enabled)

    def build(self) -> None:
        with tenant_context(self.organization.id):
            self.done["built"] += graph_ensure(self.index_id, more_than=5, parts=True)
        time.sleep(0.1)

    def ask(self) -> None:
        with tenant_context(self.organization.id, groups=random.choice(READERS)):
            search(scope_here(self.shelf.collection.id, timezone.localdate()), QUESTION, points(1)[0])

    def look(self) -> None:
        with tenant_context(self.organization.id, groups=random.choice(READERS)):
            nearest(scope_here(self.shelf.collection.id, timezone.localdate()), points(1)[0])

    def found(self, readers: tuple[str, ...] | None) -> Found:
        """What the words find, by its scores, and the statistics of all that these readers may read."""
        with tenant_context(self.organization.id, groups=readers):
            scope = scope_here(self.shelf.collection.id, timezone.localdate())
            every, statistics = search(scope, QUESTION, points(1)[0], k=2000)
        scores = sorted(round(item.lexical, 9) for item in every if item.lexical > 0)
        return scores, statistics.chunks, dict(statistics.frequency)

    def lists_read(self, rows: int) -> int:
        """Let searches believe in a graph of so many rows; of how many they did before."""
        with tenant_context(self.organization.id):
            indexes = SearchIndex.objects.filter(id=self.index_id)
            before = indexes.get().graph_rows
            indexes.update(graph_rows=rows)
        _graphs.clear()
        return before


def repeated(house: House, work: Callable[[], None], until: float, faults: list[str]) -> threading.Thread:
    def go() -> None:
        try:
            while time.monotonic() < until:
                try:
                    work()
                    house.done[work.__name__] += 1
                except Exception as error:  # noqa: BLE001 - whatever it is, the test tells it
                    faults.append(f"{work.__name__}: {error!r}")
        finally:
            connections.close_all()

    thread = threading.Thread(target=go)
    thread.start()
    return thread


def test_all_at_once_nobody_fails_and_lists_and_own_words_agree_in_the_end(organization: Any) -> None:
    house = House(organization)
    for _ in range(40):
        house.write()
    faults: list[str] = []
    works = (house.write, house.delete, house.regroup, house.switch, house.build, house.ask, house.ask, house.look)
    threads = [repeated(house, work, time.monotonic() + SECONDS, faults) for work in works]
    for thread in threads:
        thread.join()
    assert faults == []
    assert all(house.done[name] for name in ("write", "delete", "regroup", "switch", "built", "ask", "look"))
    by_lists = [house.found(readers) for readers in READERS]
    rows = house.lists_read(0)
    assert rows > 0
    assert [house.found(readers) for readers in READERS] == by_lists
    assert by_lists[0][1] > 0
