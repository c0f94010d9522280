"""What generations come from and end as: other readings, refused settings, empty collections, forgetting, strangers."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.adapters.embeddings import embedder_for
from liaoyuan.knowledge.indexes import live_index
from liaoyuan.knowledge.models import Chunk, Collection, DocumentVersion, IndexState, SearchIndex
from liaoyuan.knowledge.services import embedding
from liaoyuan.knowledge.services.reindexing import (
    generation_drop,
    generation_swap,
    reindex_start,
    settings_change,
)
from liaoyuan.knowledge.settings import SettingsInvalid, settings_read
from liaoyuan.knowledge.shadow.errors import NothingToBuild
from liaoyuan.knowledge.shadow.freeing import KEPT, generations_forget
from liaoyuan.knowledge.shadow.models import IndexEntry
from liaoyuan.pipeline.models import Artifact, RunState
from tests.integration.knowledge.conftest import WASTE, Import
from tests.integration.knowledge.generations import OTHER, best, collection, execute, models, service, start, swap

__all__ = ["collection", "models", "service", "start"]


def test_another_reading_parses_again_and_dropping_it_frees_what_it_kept(
    organization: Any, collection: Collection, start: Any
) -> None:
    from liaoyuan.pipeline.storage import storage

    index = start({"parser": {"pages": 1}})
    assert execute(organization, index).state == RunState.SUCCEEDED
    with tenant_context(organization.id):
        keys = list(IndexEntry.objects.filter(index=index).values_list("blocks_key", flat=True))
        before = set(DocumentVersion.objects.values_list("blocks_key", flat=True))
        assert all("/generations/" in key and storage().exists(key) for key in keys) and not before & set(keys)
        artifacts = set(Artifact.objects.filter(kind="document_version").values_list("uri", flat=True))
        assert artifacts == before, "what datasets were made from does not move"
    swap(organization, collection, index)
    with tenant_context(organization.id):
        assert set(DocumentVersion.objects.values_list("blocks_key", flat=True)) == set(keys)
        first = SearchIndex.objects.get(collection=collection, number=1)
    swap(organization, collection, first)
    with tenant_context(organization.id):
        assert set(DocumentVersion.objects.values_list("blocks_key", flat=True)) == before
        assert generation_drop(collection_id=collection.id, index_id=index.id) > 0
    assert not any(storage().exists(key) for key in keys) and all(storage().exists(key) for key in before)


def test_settings_that_the_model_cannot_read_are_refused_with_what_to_do(
    organization: Any, collection: Collection, start: Any
) -> None:
    with pytest.raises(NothingToBuild):
        start({})
    for wrong, named in (
        ({"chunking": {"limit": 5000}}, "500"),
        ({"chunking": {"target": 1}}, "40"),
        ({"chunking": {"target": 300, "limit": 100}}, "100"),
        ({"parser": {"ocr": "sometimes"}}, "auto"),
        ({"colour": "red"}, "colour"),
    ):
        with pytest.raises(SettingsInvalid, match=named):
            start(wrong)
    with tenant_context(organization.id), pytest.raises(SettingsInvalid):
        settings_change(collection_id=collection.id, settings=settings_read(OTHER))


def test_an_empty_collection_takes_other_settings_at_once(organization: Any, bring: Import) -> None:
    with tenant_context(organization.id):
        made = Collection.objects.create(organization_id=organization.id, name="制度")
        settings_change(collection_id=made.id, settings=settings_read(OTHER))
    bring({"医疗废物管理办法.md": WASTE}, engine=None)
    with tenant_context(organization.id):
        live = live_index(made.id)
        assert (live.number, live.embedder, live.dimensions) == (1, "e5-256", 256)
        assert live.chunks.count() > 0
    assert "2天" in best(organization, made)


def test_a_retired_generation_is_freed_when_nobody_went_back_in_time(
    organization: Any, collection: Collection, start: Any
) -> None:
    index = start()
    execute(organization, index)
    swap(organization, collection, index)
    with tenant_context(organization.id):
        assert generations_forget(collection.id) == 0
        SearchIndex.objects.filter(id=index.id).update(live_at=timezone.now() - KEPT - timedelta(hours=1))
        assert generations_forget(collection.id) == 1
        assert list(SearchIndex.objects.values_list("number", flat=True)) == [2]
        assert set(Chunk.objects.values_list("index_id", flat=True)) == {index.id}
    assert "2天" in best(organization, collection)


def test_a_stranger_finds_no_generation(
    organization: Any, other_organization: Any, collection: Collection, start: Any
) -> None:
    index = start()
    with tenant_context(other_organization.id):
        for act in (generation_swap, generation_drop):
            with pytest.raises(NotFound):
                act(collection_id=collection.id, index_id=index.id)
        with pytest.raises(NotFound):
            reindex_start(collection_id=collection.id, settings=settings_read(OTHER))
        assert not SearchIndex.objects.exists() and not IndexEntry.objects.exists()


def test_the_states_say_what_they_are(organization: Any, collection: Collection, start: Any) -> None:
    index = start()
    execute(organization, index)
    swap(organization, collection, index)
    with tenant_context(organization.id):
        states = dict(SearchIndex.objects.filter(collection=collection).values_list("number", "state"))
    assert states == {1: IndexState.RETIRED, 2: IndexState.LIVE}
    assert embedder_for("e5-256").dimensions == 256 and embedding.EMBED_AT_ONCE
