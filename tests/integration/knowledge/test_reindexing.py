"""Another generation is built beside the live one, scored, swapped or dropped; search never stops."""

import io
import json
import threading
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.answer import answer_question
from liaoyuan.knowledge.errors import EmbedderDown, IndexBusy, IndexNotReady
from liaoyuan.knowledge.indexes import live_index
from liaoyuan.knowledge.models import Chunk, Collection, IndexState, SearchIndex
from liaoyuan.knowledge.questions.measures import Difference
from liaoyuan.knowledge.questions.services import question_add
from liaoyuan.knowledge.services.reindexing import (
    generation_drop,
    generation_swap,
    reindex_start,
)
from liaoyuan.knowledge.settings import CollectionSettings, settings_of, settings_read
from liaoyuan.knowledge.shadow import stage
from liaoyuan.knowledge.shadow.errors import GenerationBuilding
from liaoyuan.knowledge.shadow.models import IndexEntry
from liaoyuan.knowledge.shadow.scoring import verdict
from liaoyuan.pipeline.models import Lineage, RunState, StageRun
from liaoyuan.pipeline.services import stage_run_execute
from tests.integration.knowledge.conftest import NURSING, Import
from tests.integration.knowledge.endpoint import Service
from tests.integration.knowledge.generations import (
    HANDS,
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

__all__ = ["collection", "models", "service", "start"]


def test_it_is_built_beside_the_live_one_and_swapped_by_a_person(
    organization: Any, collection: Collection, start: Any
) -> None:
    index = start()
    run = execute(organization, index)
    assert run.state == RunState.SUCCEEDED, run.error
    assert run.result["scores"] == {"verdict": "unscored", "questions": 0, "against": 1, "metrics": []}
    with tenant_context(organization.id):
        assert live_index(collection.id).number == 1
        built = SearchIndex.objects.get(id=index.id)
        assert (built.state, built.dimensions, built.chunk_count) == ("ready", 256, built.chunks.count())
        assert built.chunks.count() >= 6
        assert {len(chunk.embedding) for chunk in built.chunks.all()} == {256}
        assert set(Lineage.objects.filter(child_id__in=built.chunks.values("id")).values_list("relation", flat=True))
    assert "2天" in best(organization, collection)
    assert swap(organization, collection, index).swapped
    assert "2天" in best(organization, collection)
    with tenant_context(organization.id):
        assert live_index(collection.id).id == index.id
        now = settings_of(Collection.objects.get(id=collection.id).settings)
        assert (now.embedder, now.chunking.target) == ("e5-256", 60)
        answer = answer_question(collection.id, QUESTION)
        assert not answer.abstained and answer.citations


def test_it_is_scored_on_the_collections_questions_and_goes_live_by_itself_when_it_is_not_worse(
    organization: Any, collection: Collection, start: Any
) -> None:
    with tenant_context(organization.id):
        for question, evidence in (
            (QUESTION, "医疗废物管理办法#第三条"),
            ("夜班护士每班几人？", "护理值班制度#第二条"),
        ):
            question_add(collection_id=collection.id, question=question, evidence=[evidence])
    index = start(swap="automatic")
    run = execute(organization, index)
    assert run.state == RunState.SUCCEEDED, run.error
    scores = run.result["scores"]
    assert (scores["verdict"], scores["questions"], scores["against"]) == ("same", 2, 1)
    recall = next(row for row in scores["metrics"] if row["metric"] == "recall@5")
    assert (recall["live"], recall["new"], recall["n"]) == (1.0, 1.0, 2)
    assert recall["low"] <= recall["difference"] <= recall["high"]
    assert run.result["swapped"]
    with tenant_context(organization.id):
        assert live_index(collection.id).id == index.id


def test_without_questions_nothing_goes_live_by_itself(organization: Any, collection: Collection, start: Any) -> None:
    index = start(swap="automatic")
    assert execute(organization, index).result["swapped"] is False
    with tenant_context(organization.id):
        assert SearchIndex.objects.get(id=index.id).state == IndexState.READY


def test_one_metric_that_is_worse_beyond_chance_decides() -> None:
    def differs(better: bool | None) -> Difference:
        return Difference("recall@5", 0.5, 0.6, -0.1, 0.3, 10, better)

    assert verdict([differs(None), differs(True), differs(False)]) == "worse"
    assert verdict([differs(None), differs(True)]) == "better"
    assert verdict([differs(None)]) == "same" == verdict([])


def test_the_command_builds_puts_in_place_and_drops(organization: Any, collection: Collection) -> None:
    def run(*words: str) -> dict[str, Any]:
        out = io.StringIO()
        given = ("--organization", organization.name, "--collection", "制度", "--json")
        call_command("knowledge", *words, *given, stdout=out)
        return dict(json.loads(out.getvalue()))

    built = run("reindex", "--embedder", "e5-256", "--target", "60", "--here")
    assert (built["number"], built["state"]) == (2, "succeeded")
    assert [(each["number"], each["state"]) for each in built["indexes"]] == [(2, "ready"), (1, "live")]
    assert run("reindex", "--put", "2")["swapped"] is True
    assert run("reindex", "--drop", "1")["dropped_chunks"] > 0
    (left,) = run("indexes")["indexes"]
    assert (left["number"], left["embedder"], left["dimensions"], left["documents"]) == (2, "e5-256", 256, 2)


def test_going_back_is_a_swap_and_takes_along_what_came_meanwhile(
    organization: Any, collection: Collection, start: Any, bring: Import
) -> None:
    with tenant_context(organization.id):
        first = live_index(collection.id)
    index = start()
    execute(organization, index)
    swap(organization, collection, index)
    bring({"手卫生.md": HANDS}, engine=None)
    back = swap(organization, collection, first)
    assert not back.swapped and back.run is not None
    assert execute(organization, first).state == RunState.SUCCEEDED
    with tenant_context(organization.id):
        assert live_index(collection.id).id == first.id
        assert settings_of(Collection.objects.get(id=collection.id).settings) == CollectionSettings()
    assert "40秒" in best(organization, collection, "洗手不少于多少秒？")


def test_what_arrives_or_changes_during_the_build_is_in_it_before_the_swap(
    organization: Any, collection: Collection, start: Any, bring: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = start(swap="automatic")
    with tenant_context(organization.id):
        StageRun.objects.filter(id=index.run_id).update(spec=run_of(organization, index).spec | {"swap": "now"})
    arrived: list[bool] = []
    real = stage.generation_score

    def late(*arguments: Any) -> Any:
        # Between the last built document and the swap: a new file, and a new version of one that was built.
        bring(
            {
                "手卫生.md": "# 手卫生\n\n第一条 洗手不少于40秒。",
                "护理值班制度.md": NURSING.replace("30分钟", "45分钟"),
            },
            engine=None,
        )
        arrived.append(True)
        return real(*arguments)

    monkeypatch.setattr(stage, "generation_score", late)
    assert execute(organization, index).state == RunState.SUCCEEDED
    assert arrived
    with tenant_context(organization.id):
        assert live_index(collection.id).id == index.id
    assert "40秒" in best(organization, collection, "洗手不少于多少秒？")
    assert "45分钟" in best(organization, collection, "交班前多少分钟完成护理记录？")


def test_search_never_misses_while_it_is_built_and_swapped_to_and_fro(
    organization: Any, collection: Collection, start: Any
) -> None:
    with tenant_context(organization.id):
        first = live_index(collection.id)
    misses: list[str] = []
    asked = 0
    stop = threading.Event()

    def keep_asking() -> None:
        nonlocal asked
        from django.db import connections

        while not stop.is_set():
            try:
                text = best(organization, collection)
                if "2天" not in text:
                    misses.append(text or "nothing")
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a miss
                misses.append(repr(error))
            asked += 1
        connections.close_all()

    thread = threading.Thread(target=keep_asking)
    thread.start()
    try:
        index = start()
        execute(organization, index)
        for _ in range(5):
            assert swap(organization, collection, index).swapped
            assert swap(organization, collection, first).swapped
    finally:
        stop.set()
        thread.join()
    assert asked > 5 and not misses


def test_a_dead_worker_costs_only_the_document_it_was_at(
    organization: Any, collection: Collection, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = start()
    built: list[UUID] = []
    real = stage.version_build

    def dies_at_the_second(build: Any, version_id: UUID, parsing: Any = None) -> Any:
        if built:
            raise KeyboardInterrupt
        built.append(version_id)
        return real(build, version_id, parsing)

    run = run_of(organization, index)
    monkeypatch.setattr(stage, "version_build", dies_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        stage_run_execute(run_id=run.id, worker="dies")
    with tenant_context(organization.id):
        assert IndexEntry.objects.filter(index=index).count() == 1
        StageRun.objects.filter(id=run.id).update(state=RunState.QUEUED, lease_until=None)
        kept = set(Chunk.objects.filter(index=index).values_list("id", flat=True))
    monkeypatch.setattr(stage, "version_build", real)
    assert execute(organization, index).state == RunState.SUCCEEDED
    with tenant_context(organization.id):
        assert IndexEntry.objects.filter(index=index).count() == 2
        assert kept <= set(Chunk.objects.filter(index=index).values_list("id", flat=True)), "not built twice"


def test_while_the_engine_is_down_the_run_waits_and_a_question_says_why(
    organization: Any, collection: Collection, start: Any, service: Service
) -> None:
    index = start()
    service.down = True
    try:
        run = execute(organization, index)
        assert (run.state, run.wait_kind, run.attempt) == (RunState.WAITING, "engine", 0)
        assert "e5-256" in run.wait_reason_zh
        assert "2天" in best(organization, collection), "the live generation has its own model"
    finally:
        service.down = False
    with tenant_context(organization.id):
        StageRun.objects.filter(id=run.id).update(state=RunState.QUEUED, not_before=None)
    assert execute(organization, index).state == RunState.SUCCEEDED
    swap(organization, collection, index)
    service.down = True
    try:
        with pytest.raises(EmbedderDown, match="e5-256"):
            best(organization, collection, "这个问题以前没有人问过吗？")
    finally:
        service.down = False


def test_a_cancelled_build_can_be_dropped_and_a_live_one_cannot(
    organization: Any, owner: Any, collection: Collection, start: Any
) -> None:
    from liaoyuan.accounts.policy import Principal
    from liaoyuan.pipeline.services import stage_run_cancel

    index = start()
    with tenant_context(organization.id):
        with pytest.raises(GenerationBuilding):
            generation_drop(collection_id=collection.id, index_id=index.id)
        with pytest.raises(GenerationBuilding):
            reindex_start(collection_id=collection.id, settings=settings_read({"chunking": {"target": 90}}))
        with pytest.raises(IndexNotReady):
            generation_swap(collection_id=collection.id, index_id=index.id)
    principal = Principal(user_id=owner.user_id, organization_id=organization.id, role="owner")
    with tenant_context(organization.id, owner.user_id):
        stage_run_cancel(principal=principal, run_id=run_of(organization, index).id)
        assert generation_drop(collection_id=collection.id, index_id=index.id) == 0
        with pytest.raises(IndexBusy):
            generation_drop(collection_id=collection.id, index_id=live_index(collection.id).id)
