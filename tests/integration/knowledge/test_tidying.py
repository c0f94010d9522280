"""The schedule frees what is over: retired generations past their days, builds that stopped, files without a row."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, connections
from django.utils import timezone

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge import tidying
from liaoyuan.knowledge.indexes import index_drop, index_start, live_index
from liaoyuan.knowledge.models import Chunk, Collection, DocumentVersion, IndexState, SearchAudience, SearchIndex
from liaoyuan.knowledge.retrieve import retrieve
from liaoyuan.knowledge.shadow.freeing import KEPT, generations_due
from liaoyuan.knowledge.shadow.models import IndexEntry
from liaoyuan.knowledge.shadow.selectors import generations_of
from liaoyuan.knowledge.tidying import audiences_forget, orphans_delete
from liaoyuan.pipeline.models import RunState, StageRun
from liaoyuan.pipeline.storage import storage, storage_key
from tests.integration.knowledge.generations import (
    QUESTION,
    best,
    collection,
    execute,
    models,
    run_of,
    service,
    start,
    swap,
)
from workers.tasks import tidy

__all__ = ["collection", "models", "service", "start"]
LONG_AGO = KEPT + timedelta(hours=1)


def numbers(organization: Any) -> list[int]:
    with tenant_context(organization.id):
        return sorted(SearchIndex.objects.values_list("number", flat=True))


def age(organization: Any, index: SearchIndex, by: timedelta) -> None:
    with tenant_context(organization.id):
        SearchIndex.objects.filter(id=index.id).update(live_at=timezone.now() - by)


def test_the_schedule_frees_a_retired_generation_past_its_days_and_keeps_a_younger_one(
    organization: Any, collection: Collection, start: Any
) -> None:
    with tenant_context(organization.id):
        first = live_index(collection.id)
    second = start()
    execute(organization, second)
    swap(organization, collection, second)
    third = start({"chunking": {"target": 90}})
    execute(organization, third)
    swap(organization, collection, third)
    # The first retired long ago, when the second went live; the second only now.
    age(organization, first, LONG_AGO + timedelta(days=3))
    age(organization, second, LONG_AGO)
    with tenant_context(organization.id):
        freed = {each.index.number: each.freed_at for each in generations_of(collection.id)}
        assert freed[1] is not None and freed[1] < timezone.now()
        assert freed[2] is not None and freed[2] > timezone.now() and freed[3] is None
    tidy()
    assert numbers(organization) == [2, 3]
    with tenant_context(organization.id):
        assert not Chunk.objects.filter(index_id=first.id).exists()
    assert "2天" in best(organization, collection)


def test_a_build_that_stopped_is_freed_after_as_long_and_one_that_goes_on_is_not(
    organization: Any, collection: Collection, start: Any
) -> None:
    index = start({"parser": {"pages": 1}})
    execute(organization, index)
    run = run_of(organization, index)
    with tenant_context(organization.id):
        keys = list(IndexEntry.objects.filter(index=index).values_list("blocks_key", flat=True))
        SearchIndex.objects.filter(id=index.id).update(state=IndexState.BUILDING)
        StageRun.objects.filter(id=run.id).update(state=RunState.RUNNING, finished_at=None)
    tidy()
    assert numbers(organization) == [1, 2], "somebody works on it"
    with tenant_context(organization.id):
        StageRun.objects.filter(id=run.id).update(state=RunState.DEAD, finished_at=timezone.now())
        due = generations_due(list(SearchIndex.objects.filter(collection=collection)))
        assert set(due) == {index.id}
    tidy()
    assert numbers(organization) == [1, 2], "it can still be taken up again"
    assert keys and all(storage().exists(key) for key in keys)
    with tenant_context(organization.id):
        StageRun.objects.filter(id=run.id).update(finished_at=timezone.now() - LONG_AGO)
    tidy()
    assert numbers(organization) == [1]
    assert not any(storage().exists(key) for key in keys)
    with tenant_context(organization.id):
        assert not IndexEntry.objects.filter(index_id=index.id).exists()


def test_files_that_no_row_knows_go_and_everything_that_is_known_stays(
    organization: Any, collection: Collection, start: Any, tmp_path: Path
) -> None:
    index = start({"parser": {"pages": 1}})
    execute(organization, index)
    swap(organization, collection, index)
    before = set(storage().list(f"{organization.id}/documents"))
    with tenant_context(organization.id):
        version = DocumentVersion.objects.earliest("created_at")
    source = tmp_path / "file"
    source.write_text("left by a worker that was killed")
    left = [
        storage_key(organization.id, "documents", uuid4(), "source.md"),
        storage_key(organization.id, "documents", version.id, "generations", str(uuid4()), "blocks.jsonl"),
        storage_key(organization.id, "documents", version.id, ".source.md.4711.part"),
    ]
    for key in left:
        storage().put(key, source)
    assert orphans_delete(organization.id) == 0, "what is young may be on its way"
    tidy()
    assert all(storage().exists(key) for key in left)
    for key in left:
        os.utime(storage().open_path(key), (0, 0))
    tidy()
    assert set(storage().list(f"{organization.id}/documents")) == before
    assert "2天" in best(organization, collection)


def test_one_organization_that_cannot_be_tidied_does_not_keep_the_others_waiting(
    organization: Any, other_organization: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def fails_once(organization_id: Any) -> int:
        seen.append(organization_id)
        if organization_id == organization.id:
            raise OSError("its folder cannot be read")
        return 0

    monkeypatch.setattr(tidying, "orphans_delete", fails_once)
    tidy()
    assert {organization.id, other_organization.id} <= set(seen)


def regroup(organization: Any, groups: list[str]) -> None:
    """All chunks of the first document, by whoever writes them."""
    with tenant_context(organization.id):
        version = DocumentVersion.objects.earliest("created_at")
        Chunk.objects.filter(version=version).update(groups=groups)


def audiences(organization: Any) -> list[list[str]]:
    with tenant_context(organization.id):
        return sorted(SearchAudience.objects.values_list("groups", flat=True))


def found_by(organization: Any, collection: Collection, group: str) -> bool:
    with tenant_context(organization.id, groups=(group,)):
        return any("2天" in item.candidate.text for item in retrieve(collection.id, QUESTION).ranked)


def test_audiences_that_no_entry_uses_go_and_those_in_use_stay(
    organization: Any, other_organization: Any, collection: Collection
) -> None:
    for groups in (["ward"], ["board"], ["ward", "board"]):
        regroup(organization, groups)
    assert audiences(organization) == [[], ["board"], ["ward"], ["ward", "board"]]
    assert audiences_forget(other_organization.id) == 0, "what is another tenant's is not there to be removed"
    tidy()
    assert audiences(organization) == [[], ["ward", "board"]]
    assert found_by(organization, collection, "ward")
    assert audiences_forget(organization.id) == 0


@contextmanager
def writing(organization: Any, groups: list[str]) -> Iterator[threading.Event]:
    """Another worker that gave the chunks new rights and has not committed yet; ends with the block."""
    written, end = threading.Event(), threading.Event()

    def write() -> None:
        with tenant_context(organization.id):
            version = DocumentVersion.objects.earliest("created_at")
            Chunk.objects.filter(version=version).update(groups=groups)
            written.set()
            end.wait(60)
        connections.close_all()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield written
    finally:
        end.set()
        thread.join()


def test_an_audience_that_a_writer_is_about_to_use_is_never_taken_from_under_it(
    organization: Any, collection: Collection
) -> None:
    regroup(organization, ["ward"])
    regroup(organization, ["board"])
    # Nobody uses the wards' audience now; the writer finds it and gives it to its entry, in a transaction of its own.
    with writing(organization, ["ward"]) as written:
        assert written.wait(60)
        assert audiences_forget(organization.id) == 0
    assert ["ward"] in audiences(organization)
    assert found_by(organization, collection, "ward")
    tidy()
    assert audiences(organization) == [[], ["ward"]]
    assert found_by(organization, collection, "ward")


def test_a_writer_that_comes_while_audiences_are_removed_makes_its_own(
    organization: Any, collection: Collection
) -> None:
    regroup(organization, ["ward"])
    regroup(organization, ["board"])
    with ExitStack() as later:
        with tenant_context(organization.id), connection.cursor() as cursor:
            cursor.execute(tidying._ALONE)
            cursor.execute(f"DELETE FROM knowledge_searchaudience a WHERE {tidying._UNUSED}")  # noqa: S608 - a constant
            written = later.enter_context(writing(organization, ["ward"]))
            until_blocked(organization)
            assert not written.is_set(), "it waits until what it might have used is gone"
        assert written.wait(60)
    assert audiences(organization) == [[], ["board"], ["ward"]]
    assert found_by(organization, collection, "ward")


def until_blocked(organization: Any) -> None:
    """Somebody waits for a lock on the table of entries."""
    wanted = "SELECT FROM pg_locks WHERE relation = 'knowledge_searchentry'::regclass AND NOT granted"
    with connections["owner"].cursor() as cursor:
        for _ in range(600):
            cursor.execute(wanted)
            if cursor.rowcount:
                return
            time.sleep(0.05)
    raise AssertionError("nobody waits")


def test_the_table_of_a_dropped_graph_goes_an_hour_later(organization: Any, collection: Collection) -> None:
    def graphs() -> set[str]:
        with connections["owner"].cursor() as cursor:
            cursor.execute("SELECT relname FROM pg_class WHERE relname LIKE 'knowledge\\_graph\\_%' AND relkind = 'r'")
            return {name for (name,) in cursor.fetchall()}

    def dropped() -> str:
        with tenant_context(organization.id):
            extra = index_start(collection.id, embedder="multilingual-e5-small", dimensions=384, settings={})
            SearchIndex.objects.filter(id=extra.id).update(graph_step="make")
            SearchIndex.objects.filter(id=extra.id).update(graph_step="index")
            index_drop(extra.id)
        return f"knowledge_graph_{extra.id.hex}"

    def dropped_at(table: str, ago: int) -> None:
        # As if it had been dropped so many seconds ago, by the one who owns it.
        with connections["owner"].cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM now())::bigint - %s", [ago])
            cursor.execute(f"COMMENT ON TABLE {table} IS 'gone {cursor.fetchone()[0]}'")

    old, young = dropped(), dropped()
    assert {old, young} <= graphs(), "a search may have been told of them a moment ago"
    dropped_at(old, 3601)
    dropped_at(young, 3500)
    latest = dropped()
    assert graphs() & {old, young, latest} == {young, latest}
    assert "2天" in best(organization, collection)
