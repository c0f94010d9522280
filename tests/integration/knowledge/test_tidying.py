"""The schedule frees what is over: retired generations past their days, builds that stopped, files without a row."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.indexes import live_index
from liaoyuan.knowledge.models import Chunk, Collection, DocumentVersion, IndexState, SearchIndex
from liaoyuan.knowledge.shadow.freeing import KEPT, generations_due
from liaoyuan.knowledge.shadow.models import IndexEntry
from liaoyuan.knowledge.shadow.selectors import generations_of
from liaoyuan.knowledge.tidying import orphans_delete
from liaoyuan.pipeline.models import RunState, StageRun
from liaoyuan.pipeline.storage import storage, storage_key
from tests.integration.knowledge.generations import best, collection, execute, models, run_of, service, start, swap
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
    from liaoyuan.knowledge import tidying

    seen = []

    def fails_once(organization_id: Any) -> int:
        seen.append(organization_id)
        if organization_id == organization.id:
            raise OSError("its folder cannot be read")
        return 0

    monkeypatch.setattr(tidying, "orphans_delete", fails_once)
    tidy()
    assert {organization.id, other_organization.id} <= set(seen)
