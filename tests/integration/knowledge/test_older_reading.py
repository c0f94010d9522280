"""A document that older rules read or cut is told, and read again beside the index in use with people's edits kept."""

import io
import json
from typing import Any

import pytest
from django.core.management import call_command

from liaoyuan.accounts.tenancy import Tenant, tenant_context
from liaoyuan.knowledge import rules
from liaoyuan.knowledge.indexes import live_index
from liaoyuan.knowledge.models import Chunk, Collection, DocumentVersion, SearchIndex
from liaoyuan.knowledge.rules import are_outdated, outdated, reading_rules
from liaoyuan.knowledge.services.editing import chunk_edit
from liaoyuan.knowledge.services.reindexing import reindex_start
from liaoyuan.knowledge.settings import CollectionSettings
from liaoyuan.knowledge.shadow.errors import NothingToBuild
from liaoyuan.knowledge.shadow.models import IndexEntry
from liaoyuan.knowledge.shadow.selectors import generations_of
from liaoyuan.pipeline.models import RunState
from liaoyuan.pipeline.storage import storage
from tests.integration.knowledge.conftest import Import
from tests.integration.knowledge.generations import HANDS, best, collection, execute, models, service, start, swap

__all__ = ["collection", "models", "service", "start"]


@pytest.fixture
def better(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that reads Markdown better than the one that read the collection."""
    monkeypatch.setitem(rules.READING, "markdown", rules.READING["markdown"] + 1)


def older(organization: Any, collection: Collection) -> set[str]:
    with tenant_context(organization.id):
        versions = DocumentVersion.objects.filter(document__collection_id=collection.id).select_related("document")
        told = {each.document.name for each in versions.filter(are_outdated())}
        assert told == {each.document.name for each in versions if outdated(each)}
        (live,) = (each for each in generations_of(collection.id) if each.index.state == "live")
        assert live.older == len(told)
    return told


def renew(organization: Any, collection: Collection, **more: Any) -> SearchIndex:
    with tenant_context(organization.id):
        return reindex_start(collection_id=collection.id, settings=CollectionSettings(), **more)


def test_what_is_read_today_is_by_todays_rules_and_there_is_nothing_to_build(
    organization: Any, collection: Collection
) -> None:
    assert older(organization, collection) == set()
    with tenant_context(organization.id):
        version = DocumentVersion.objects.filter(document__collection_id=collection.id)[0]
        assert (version.parser, version.chunker) == (reading_rules("text/markdown"), rules.CUTTING)
    with pytest.raises(NothingToBuild):
        renew(organization, collection)


def test_a_better_reader_names_only_the_documents_of_its_kind(
    organization: Any, collection: Collection, bring: Import, better: None
) -> None:
    bring({"手卫生.txt": HANDS}, engine=None)
    assert older(organization, collection) == {"医疗废物管理办法.md", "护理值班制度.md"}


def test_better_cutting_concerns_every_document(
    organization: Any, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "CUTTING", rules.CUTTING + 1)
    assert older(organization, collection) == {"医疗废物管理办法.md", "护理值班制度.md"}


def test_what_was_read_before_rules_were_counted_is_older(organization: Any, collection: Collection) -> None:
    with tenant_context(organization.id):
        DocumentVersion.objects.filter(document__name="护理值班制度.md").update(parser=0, chunker=0)
    assert older(organization, collection) == {"护理值班制度.md"}


def test_they_are_read_again_beside_the_index_in_use_with_the_edits_of_people(
    organization: Any, collection: Collection, bring: Import, better: None
) -> None:
    bring({"手卫生.txt": HANDS}, engine=None)
    with tenant_context(organization.id):
        before = {each.document.name: each.blocks_key for each in _versions(collection)}
        chunk = Chunk.objects.get(index=live_index(collection.id), text__contains="2天")
    edited = chunk.text.replace("2天", "2天（48小时）")
    chunk_edit(who=Tenant(organization.id, None), chunk_id=chunk.id, text=edited)
    index = renew(organization, collection)
    run = execute(organization, index)
    assert run.state == RunState.SUCCEEDED, run.error
    assert older(organization, collection) == {"医疗废物管理办法.md", "护理值班制度.md"}, "until it is put in place"
    assert swap(organization, collection, index).swapped
    assert older(organization, collection) == set()
    assert "48小时" in best(organization, collection)
    with tenant_context(organization.id):
        after = {each.document.name: each.blocks_key for each in _versions(collection)}
        assert {name for name in before if before[name] != after[name]} == {"医疗废物管理办法.md", "护理值班制度.md"}
        entries = IndexEntry.objects.filter(index=index)
        assert [each.reused for each in entries] == [each.chunks for each in entries], "nothing is embedded twice"
    with pytest.raises(NothingToBuild):
        renew(organization, collection)


def test_going_back_to_the_older_reading_says_so_again(organization: Any, collection: Collection, better: None) -> None:
    with tenant_context(organization.id):
        first = live_index(collection.id)
    index = renew(organization, collection)
    execute(organization, index)
    swap(organization, collection, index)
    assert swap(organization, collection, first).swapped
    assert older(organization, collection) == {"医疗废物管理办法.md", "护理值班制度.md"}


def test_a_file_that_cannot_be_read_any_more_keeps_its_text_and_is_asked_for_no_second_time(
    organization: Any, collection: Collection, better: None
) -> None:
    with tenant_context(organization.id):
        version = _versions(collection).get(document__name="医疗废物管理办法.md")
        storage().open_path(version.source_key).write_bytes(b"PK\x03\x04 broken")
    index = renew(organization, collection)
    execute(organization, index)
    swap(organization, collection, index)
    assert "2天" in best(organization, collection)
    assert older(organization, collection) == set()
    with tenant_context(organization.id):
        (kept,) = IndexEntry.objects.filter(index=index).exclude(note={})
        assert kept.document_version_id == version.id and kept.note["zh"]


def test_the_command_says_which_documents_and_reads_them_again(
    organization: Any, collection: Collection, better: None
) -> None:
    def run(*words: str) -> dict[str, Any]:
        out = io.StringIO()
        given = ("--organization", organization.name, "--collection", "制度", "--json")
        call_command("knowledge", *words, *given, stdout=out)
        return dict(json.loads(out.getvalue()))

    (live,) = run("indexes")["indexes"]
    assert live["older"] == 2
    told = run("outdated")
    assert told["documents"] == 2
    assert [each["document"] for each in told["older"]] == ["医疗废物管理办法.md", "护理值班制度.md"]
    first = told["older"][0]
    assert (first["parser"], first["parser_today"]) == (rules.READING["markdown"] - 1, rules.READING["markdown"])
    assert run("reindex", "--here")["state"] == "succeeded"
    run("reindex", "--put", "2")
    assert run("outdated")["older"] == []


def _versions(collection: Collection) -> Any:
    return DocumentVersion.objects.filter(document__collection_id=collection.id).select_related("document")
