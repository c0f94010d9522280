"""Chosen documents are read again into the index in use: found as they were until then, with the edits of people."""

import io
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command

from liaoyuan.accounts.tenancy import Tenant, tenant_context
from liaoyuan.errors import NotFound
from liaoyuan.knowledge import rules
from liaoyuan.knowledge.adapters.embeddings import embedder
from liaoyuan.knowledge.edits.models import ChunkPatch, PatchState
from liaoyuan.knowledge.indexes import live_index
from liaoyuan.knowledge.models import Chunk, Collection, DocumentVersion
from liaoyuan.knowledge.rules import outdated
from liaoyuan.knowledge.services import document_erase
from liaoyuan.knowledge.services.editing import chunk_edit
from liaoyuan.knowledge.services.rereading import NothingToReread, documents_reread, edits_waiting
from liaoyuan.knowledge.tidying import orphans_delete
from liaoyuan.knowledge.waiting import slices
from liaoyuan.knowledge.waiting.models import ImportItem, ItemState
from liaoyuan.knowledge.waiting.selectors import line_of
from liaoyuan.knowledge.waiting.services import items_cancel, items_retry
from liaoyuan.pipeline.models import Artifact, RunState, StageRun
from liaoyuan.pipeline.services import stage_run_execute
from liaoyuan.pipeline.storage import storage
from tests.integration.knowledge.conftest import NURSING, WASTE, Import
from tests.integration.knowledge.generations import best, collection, models, service

__all__ = ["collection", "models", "service"]

WASTE_NAME, NURSING_NAME = "医疗废物管理办法.md", "护理值班制度.md"
Again = Callable[..., StageRun]


@pytest.fixture
def better(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that reads Markdown better than the one that read the collection."""
    monkeypatch.setitem(rules.READING, "markdown", rules.READING["markdown"] + 1)


@pytest.fixture
def again(organization: Any, collection: Collection) -> Again:
    def run(*names: str, groups: tuple[str, ...] | None = None, execute: bool = True) -> StageRun:
        with tenant_context(organization.id, groups=groups):
            started = documents_reread(collection=collection, document_ids=ids_of(organization, *names))
        if execute:
            stage_run_execute(run_id=started.id, worker="test")
        with tenant_context(organization.id):
            return StageRun.objects.get(id=started.id)

    return run


def ids_of(organization: Any, *names: str) -> list[UUID]:
    with tenant_context(organization.id):
        found = DocumentVersion.objects.filter(document__name__in=names or (WASTE_NAME, NURSING_NAME))
        return list(found.values_list("document_id", flat=True))


def version_of(organization: Any, name: str) -> DocumentVersion:
    with tenant_context(organization.id):
        return DocumentVersion.objects.select_related("document").get(document__name=name)


def source_write(version: DocumentVersion, data: str | bytes) -> None:
    """As if today's reader read something else in the bytes that were kept."""
    storage().open_path(version.source_key).write_bytes(data.encode() if isinstance(data, str) else data)


def test_only_the_chosen_documents_are_read_by_todays_rules(organization: Any, again: Again, better: None) -> None:
    run = again(WASTE_NAME)
    assert run.state == RunState.SUCCEEDED, run.error
    assert run.result["ready"] == run.result["total"] == 1
    assert not outdated(version_of(organization, WASTE_NAME))
    assert outdated(version_of(organization, NURSING_NAME))


def test_what_is_read_takes_the_place_of_what_stood_there(
    organization: Any, collection: Collection, again: Again
) -> None:
    source_write(version_of(organization, WASTE_NAME), WASTE.replace("2天", "36小时"))
    assert "2天" in best(organization, collection)
    again(WASTE_NAME)
    assert "36小时" in best(organization, collection)
    after = version_of(organization, WASTE_NAME)
    with tenant_context(organization.id):
        chunks = Chunk.objects.filter(version=after, index=live_index(collection.id))
        assert chunks.count() == after.chunk_count and not chunks.filter(text__contains="2天").exists()


def test_its_days_state_and_artifact_stay(organization: Any, again: Again) -> None:
    before = version_of(organization, WASTE_NAME)
    with tenant_context(organization.id):
        kept = Artifact.objects.get(id=before.id)
        text = storage().open_path(kept.uri).read_bytes()
    source_write(before, WASTE.replace("2天", "36小时"))
    again(WASTE_NAME)
    after = version_of(organization, WASTE_NAME)
    assert (after.state, after.days, after.number) == (before.state, before.days, before.number)
    assert after.blocks_key != before.blocks_key, "what a dataset was made from still says what it said"
    assert storage().open_path(kept.uri).read_bytes() == text


def test_chunks_whose_words_stayed_are_not_embedded_again(
    organization: Any, again: Again, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    engine = embedder()
    real = engine.embed

    def embed(texts: Any, kind: Any) -> Any:
        asked.extend(texts)
        return real(texts, kind)

    monkeypatch.setattr(engine, "embed", embed)
    again()
    assert asked == []
    source_write(version_of(organization, NURSING_NAME), NURSING.replace("两人", "三人"))
    again(NURSING_NAME)
    assert len(asked) == 1 and "三人" in asked[0]


def test_an_edit_is_carried_over_and_one_that_cannot_be_is_listed(
    organization: Any, collection: Collection, again: Again
) -> None:
    with tenant_context(organization.id):
        live = live_index(collection.id)
        storing = Chunk.objects.get(index=live, text__contains="2天")
        nursing = Chunk.objects.get(index=live, text__contains="30分钟")
    who = Tenant(organization.id, None)
    chunk_edit(who=who, chunk_id=storing.id, text=storing.text.replace("2天", "2天（48小时）"))
    chunk_edit(who=who, chunk_id=nursing.id, text=nursing.text.replace("30分钟", "40分钟"))
    version = version_of(organization, NURSING_NAME)
    source_write(version, NURSING.replace("30分钟", "20分钟"))
    run = again()
    assert "48小时" in best(organization, collection)
    with tenant_context(organization.id):
        (lost,) = ChunkPatch.objects.filter(state=PatchState.LOST)
        assert lost.version_id == version.id
        assert edits_waiting([version.id, storing.version_id]) == {version.id: 1}
    assert run.result["edits_lost"] == 1
    assert "1 项人工修改未能带入" in run.result["summary_zh"] and "1 edit" in run.result["summary_en"]


def test_until_it_is_read_the_old_chunks_are_found(
    organization: Any, collection: Collection, again: Again, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real = slices.file_finish

    def finish(job: Any, incoming: Any, parsed_now: Any, **options: Any) -> Any:
        def parsed() -> None:
            parsed_now()
            seen.append(best(organization, collection))

        return real(job, incoming, parsed, **options)

    monkeypatch.setattr(slices, "file_finish", finish)
    source_write(version_of(organization, WASTE_NAME), WASTE.replace("2天", "36小时"))
    again(WASTE_NAME)
    assert len(seen) == 1 and "2天" in seen[0]


def test_a_file_that_cannot_be_read_any_more_keeps_its_text_and_says_so(
    organization: Any, collection: Collection, again: Again
) -> None:
    before = version_of(organization, WASTE_NAME)
    source_write(before, b"PK\x03\x04 broken")
    run = again()
    assert (run.result["ready"], run.result["rejected"]) == (1, 1)
    assert "2天" in best(organization, collection)
    assert version_of(organization, WASTE_NAME).state == before.state
    with tenant_context(organization.id):
        (refused,) = line_of(collection.id).files
        assert refused.name == WASTE_NAME and refused.reason_zh.endswith("仍使用此前解析的内容。")
        (tried,) = items_retry(collection=collection)
    source_write(before, WASTE)
    stage_run_execute(run_id=tried.id, worker="test")
    with tenant_context(organization.id):
        assert list(line_of(collection.id).files) == []


def test_a_refused_file_is_tried_again_with_the_others(
    organization: Any, collection: Collection, bring: Import, again: Again
) -> None:
    bring({"坏.docx": b"PK\x03\x04 broken"})
    run = again("坏.docx", WASTE_NAME)
    assert (run.result["ready"], run.result["rejected"]) == (1, 1)
    assert version_of(organization, "坏.docx").state == "rejected"


def test_all_versions_of_a_document_are_read_again(organization: Any, bring: Import, again: Again) -> None:
    bring({WASTE_NAME: WASTE.replace("2天", "3天")})
    run = again(WASTE_NAME)
    assert run.result["total"] == 2 and run.result["ready"] == 2
    with tenant_context(organization.id):
        days = {each.number: each.days for each in DocumentVersion.objects.filter(document__name=WASTE_NAME)}
    assert days[1][1] == days[2][0], "the newer one still follows the older one"


def test_what_is_on_its_way_is_not_begun_twice(organization: Any, collection: Collection, again: Again) -> None:
    again(WASTE_NAME, execute=False)
    with pytest.raises(NothingToReread):
        again(WASTE_NAME)
    second = again(execute=False)
    with tenant_context(organization.id):
        assert [item.name for item in ImportItem.objects.filter(run_id=second.id)] == [NURSING_NAME]


def test_who_thinks_better_of_it_leaves_nothing_behind(organization: Any, collection: Collection, again: Again) -> None:
    again(execute=False)
    with tenant_context(organization.id):
        assert items_cancel(collection=collection) == 2
        line = line_of(collection.id)
        assert not line.files and not line.cancelled
    assert "2天" in best(organization, collection)


def test_one_that_was_erased_meanwhile_ends_with_its_reason(
    organization: Any, collection: Collection, again: Again
) -> None:
    run = again(execute=False)
    (document_id,) = ids_of(organization, NURSING_NAME)
    with tenant_context(organization.id):
        document_erase(document_id=document_id)
    stage_run_execute(run_id=run.id, worker="test")
    with tenant_context(organization.id):
        states = dict(ImportItem.objects.filter(run_id=run.id).values_list("name", "state"))
        assert states == {WASTE_NAME: ItemState.READY, NURSING_NAME: ItemState.REJECTED}
        assert StageRun.objects.get(id=run.id).state == RunState.SUCCEEDED


def test_nobody_reads_again_what_he_may_not_read(organization: Any, bring: Import, again: Again) -> None:
    bring({"内部.md": "# 内部\n\n第一条 仅院感科。"}, groups=["院感科"])
    with pytest.raises(NotFound):
        again("内部.md", groups=("护理部",))
    assert again("内部.md", groups=("院感科",)).result["ready"] == 1


def test_another_organization_finds_nothing_to_read_again(
    organization: Any, other_organization: Any, collection: Collection
) -> None:
    ids = ids_of(organization)
    with tenant_context(other_organization.id), pytest.raises(NotFound):
        documents_reread(collection=collection, document_ids=ids)


def test_readings_that_nothing_rests_on_are_tidied_away(organization: Any, again: Again) -> None:
    again(WASTE_NAME)
    first = version_of(organization, WASTE_NAME).blocks_key
    again(WASTE_NAME)
    second = version_of(organization, WASTE_NAME).blocks_key
    assert orphans_delete(organization.id, younger_than=-1.0) == 2, "the blocks and the parsed document"
    assert not storage().exists(first) and storage().exists(second)


def test_the_command_reads_named_documents_again_or_all_that_are_older(
    organization: Any, collection: Collection, better: None
) -> None:
    def run(*words: str) -> dict[str, Any]:
        out = io.StringIO()
        given = ("--organization", organization.name, "--collection", "制度", "--json")
        call_command("knowledge", *words, *given, stdout=out)
        return dict(json.loads(out.getvalue()))

    done = run("reread", WASTE_NAME, "--here")
    assert done["state"] == "succeeded" and done["documents"] == [WASTE_NAME]
    assert [each["document"] for each in run("outdated")["older"]] == [NURSING_NAME]
    assert run("reread", "--older", "--here")["documents"] == [NURSING_NAME]
    assert run("outdated")["older"] == []
    with pytest.raises(SystemExit):
        run("reread", "没有.md")
