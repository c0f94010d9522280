"""Workers are killed in the middle of the knowledge layer's own jobs; the end is as if nobody had died."""

import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest
from django.db import connections

from liaoyuan.accounts.tenancy import system_context, tenant_context
from liaoyuan.knowledge.adapters.embeddings import embedder
from liaoyuan.knowledge.indexes import live_index
from liaoyuan.knowledge.models import Chunk, Collection, Document, DocumentVersion, SearchEntry, SearchIndex
from liaoyuan.knowledge.questions.evaluating import evaluation_start
from liaoyuan.knowledge.questions.models import EvaluationRow, EvaluationRun
from liaoyuan.knowledge.questions.services import question_add
from liaoyuan.knowledge.retrieve import retrieve
from liaoyuan.knowledge.services import collection_create, documents_import
from liaoyuan.knowledge.services.reindexing import reindex_start
from liaoyuan.knowledge.settings import settings_read
from liaoyuan.knowledge.shadow.models import IndexEntry
from liaoyuan.knowledge.sources.counting import counts_shown
from liaoyuan.knowledge.sources.models import Source, SourceItem
from liaoyuan.knowledge.sources.services import SourceSpec, source_add, source_sync
from liaoyuan.knowledge.tidying import orphans_delete
from liaoyuan.knowledge.waiting.models import ImportItem
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.files import Places
from liaoyuan.pipeline.models import FINAL_STATES, Artifact, Lineage, RunState, StageEvent, StageRun
from liaoyuan.pipeline.services import stage_run_execute, stage_run_start
from liaoyuan.pipeline.storage import storage
from tests.chaos.house import LOST_DOORBELL, SECONDS, START_SECONDS, House, ended, read, until
from tests.chaos.knowledge import DEAD, DIE, FOLDERS, REAL

pytestmark = pytest.mark.chaos
FILES = 4
TEXT = "# 设备制度{0}\n\n第一条 第{0}号设备每{0}天检查一次。\n\n第二条 第{0}号设备由第{0}班负责，{1}。\n"
END = "liaoyuan.pipeline.services.executing:run_end_well:1"
slow = pytest.mark.slow


@pytest.fixture(autouse=True)
def _in_process(settings: Any) -> Iterator[None]:
    settings.EMBEDDINGS = "process"
    embedder.cache_clear()
    # What a test before left in the line would be taken first.
    with system_context("test") as alias:
        StageRun.objects.using(alias).exclude(state__in=FINAL_STATES).update(state=RunState.CANCELLED)
    yield
    embedder.cache_clear()


@dataclass
class Deaths:
    """Runs one job with a worker that dies at a point and one that finds what it left."""

    house: House
    folder: Path
    organization_id: UUID
    seen: set[int] = field(default_factory=set)

    def survive(self, run_id: UUID, point: str, queue: str) -> StageRun:
        """The ended run. Asserts that the worker died, was missed, and left no process and no folder."""
        mark = self.folder / "dead"
        real = {REAL: "60", FOLDERS: str(self.folder / "shared")}
        victim = self.house.worker("victim", queue, **real, **{DIE: point, DEAD: str(mark)})
        until(lambda: self._died(victim), seconds=4 * START_SECONDS, what=f"the worker dies at {point}")
        assert mark.exists(), "it ended in another way"
        # What it had running beside itself ends with it.
        until(lambda: not any(map(psutil.pid_exists, self.seen)), seconds=30, what="its parsers end")
        heir = self.house.worker("heir", queue, **real)
        try:
            bound = SECONDS["LEASE"] + SECONDS["REAPER"] + LOST_DOORBELL + 4 * START_SECONDS
            until(lambda: ended(self.organization_id, run_id), seconds=bound, what="the other worker ends the run")
        finally:
            self.house.kill(heir)
            heir.wait()
        run = read(self.organization_id, run_id)
        assert (run.state, run.fence, run.attempt) == ("succeeded", 2, 2), run.error
        with tenant_context(self.organization_id):
            assert StageEvent.objects.filter(run_id=run_id, kind="succeeded").count() == 1
        until(lambda: not Places(self.organization_id, run_id, 2).home.exists(), seconds=10, what="its folders go")
        return run

    def _died(self, victim: "subprocess.Popen[bytes]") -> bool:
        if victim.poll() is not None:
            return True
        with suppress(psutil.NoSuchProcess):
            self.seen |= {child.pid for child in psutil.Process(victim.pid).children(recursive=True)}
        return False


@pytest.fixture
def deaths(house: House, organization: Any, tmp_path: Path) -> Deaths:
    return Deaths(house, tmp_path, organization.id)


def write(folder: Path, numbers: range, word: str = "记录保存两年") -> Path:
    folder.mkdir(exist_ok=True)
    for number in numbers:
        (folder / f"设备制度{number}.md").write_text(TEXT.format(number, word), encoding="utf-8")
    return folder


def collection_of(organization: Any) -> Collection:
    with tenant_context(organization.id):
        return collection_create(name="制度")[0]


def imported(organization: Any, tmp_path: Path) -> Collection:
    """A collection that holds FILES documents already."""
    collection = collection_of(organization)
    folder = write(tmp_path / "files", range(1, FILES + 1))
    documents_import(organization_id=organization.id, collection="制度", paths=[folder])
    return collection


def found(organization: Any, collection: Collection, number: int) -> str:
    with tenant_context(organization.id):
        ranked = retrieve(collection.id, f"第{number}号设备几天检查一次？").ranked
    return ranked[0].candidate.text if ranked else ""


def assert_whole(organization: Any, collection: Collection, documents: int) -> None:
    """Every version once, whole and found in the live index, and nothing beside them."""
    with tenant_context(organization.id):
        versions = DocumentVersion.objects.filter(document__collection=collection)
        assert Document.objects.filter(collection=collection).count() == documents
        live = live_index(collection.id)
        chunks = Counter(Chunk.objects.filter(index=live).values_list("version_id", flat=True))
        assert chunks == {version.id: version.chunk_count for version in versions}
        places = list(Chunk.objects.filter(index=live).values_list("version_id", "ordinal", "sub_ordinal"))
        assert len(places) == len(set(places))
        entries = SearchEntry.objects.filter(index=live).values_list("version_id", "chunk_count")
        assert dict(entries) == dict(chunks)
        assert {version.state for version in versions} <= {"in_force", "superseded", "withdrawn"}
        assert Artifact.objects.filter(kind="document_version").count() == versions.count()
        edges = list(Lineage.objects.filter(child_kind="chunk").values_list("parent_id", "child_id"))
        assert len(edges) == len(set(edges))
    orphans_delete(organization.id, younger_than=-60)
    with tenant_context(organization.id):
        kept = {key for pair in versions.values_list("source_key", "blocks_key") for key in pair}
    assert kept <= set(storage().list(f"{organization.id}/documents"))


INGEST = [
    "liaoyuan.knowledge.stage:items_plan:1:after",
    "liaoyuan.pipeline.storage:LocalFolder.put:2:after",
    "liaoyuan.knowledge.waiting.slices:file_receive:3:after",
    "liaoyuan.knowledge.services.indexing:chunks_write:2:after",
    "liaoyuan.knowledge.waiting.slices:file_finish:2:after",
    END,
]


@pytest.mark.parametrize("point", [pytest.param(each, marks=[] if "finish" in each else [slow]) for each in INGEST])
def test_a_killed_import_brings_every_file_once(point: str, deaths: Deaths, organization: Any, tmp_path: Path) -> None:
    collection = collection_of(organization)
    spec = {"collection": "制度", "paths": [str(write(tmp_path / "files", range(1, FILES + 1)))]}
    with tenant_context(organization.id):
        run_id = stage_run_start(stage=StageName.INGEST, spec=spec).id
    run = deaths.survive(run_id, point, "ingest")
    assert (run.result["ready"], run.result["rejected"], run.result["total"]) == (FILES, 0, FILES)
    with tenant_context(organization.id):
        items = list(ImportItem.objects.filter(run_id=run_id).order_by("position"))
        assert [item.state for item in items] == ["ready"] * FILES
        assert max(item.tries for item in items) <= 2
        assert set(DocumentVersion.objects.values_list("number", flat=True)) == {1}
    assert_whole(organization, collection, FILES)
    for number in (1, FILES):
        assert f"每{number}天" in found(organization, collection, number)


@contextmanager
def asked_all_the_while(ask: Callable[[], str], wanted: str) -> Iterator[list[str]]:
    """Somebody asks again and again; what was not the right answer is listed."""
    misses: list[str] = []
    asked, stop = threading.Event(), threading.Event()

    def keep_asking() -> None:
        while not stop.wait(0.05):
            try:
                text = ask()
                misses.extend([] if wanted in text else [text or "nothing"])
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a miss
                misses.append(repr(error))
            asked.set()
        connections.close_all()

    thread = threading.Thread(target=keep_asking)
    thread.start()
    try:
        yield misses
    finally:
        stop.set()
        thread.join()
        assert asked.is_set()


@slow
@pytest.mark.parametrize(
    "point",
    [
        "liaoyuan.knowledge.shadow.stage:version_build:2",
        "liaoyuan.knowledge.shadow.building:chunks_write:2:after",
        "liaoyuan.knowledge.shadow.stage:generation_score:1:after",
        "liaoyuan.knowledge.shadow.swapping:index_swap:1:after",
        END,
    ],
)
def test_a_killed_rebuild_never_shows_half_an_index(
    point: str, deaths: Deaths, organization: Any, tmp_path: Path
) -> None:
    collection = imported(organization, tmp_path)
    with tenant_context(organization.id):
        question_add(collection_id=collection.id, question="第3号设备几天检查一次？", must_contain=["每3天"])
        index = reindex_start(collection_id=collection.id, settings=settings_read({"chunking": {"target": 60}}))
        StageRun.objects.filter(id=index.run_id).update(spec=read_spec(index.run_id) | {"swap": "now"})
    with asked_all_the_while(lambda: found(organization, collection, 2), "每2天") as misses:
        run = deaths.survive(index.run_id, point, "ingest")
    assert not misses
    assert run.result["swapped"]
    with tenant_context(organization.id):
        states = dict(SearchIndex.objects.values_list("number", "state"))
        assert states == {1: "retired", 2: "live"}
        assert live_index(collection.id).id == index.id
        assert IndexEntry.objects.filter(index=index).count() == FILES
    assert_whole(organization, collection, FILES)


def read_spec(run_id: UUID | None) -> dict[str, Any]:
    return dict(StageRun.objects.get(id=run_id).spec)


@slow
@pytest.mark.parametrize(
    "point",
    [
        "liaoyuan.knowledge.sources.syncing:batch_store:1:after",
        "liaoyuan.knowledge.sources.bringing:file_finish:1:after",
        "liaoyuan.knowledge.sources.bringing:Bringing._save:2:after",
        "liaoyuan.knowledge.sources.syncing:item_end:1:after",
        "liaoyuan.knowledge.sources.syncing:Sync._close:1:after",
        END,
    ],
)
def test_a_killed_synchronization_brings_nothing_twice_and_ends_what_is_gone(
    point: str, deaths: Deaths, organization: Any, tmp_path: Path, settings: Any
) -> None:
    settings.SOURCE_FOLDERS = [("*", str(tmp_path / "shared"))]
    collection = collection_of(organization)
    root = write(tmp_path / "shared", range(1, FILES + 1))
    with tenant_context(organization.id):
        spec = SourceSpec(name="共享盘", kind="folder", settings={"root": str(root)})
        source = source_add(collection_id=collection.id, spec=spec)
        first = source_sync(source_id=source.id)
    assert stage_run_execute(run_id=first.id, worker="test") == "succeeded"
    # One is new, one changed, one got another name, one is gone.
    write(root, range(5, 6))
    write(root, range(1, 2), "记录保存三年")
    (root / "设备制度2.md").rename(root / "规程2.md")
    (root / "设备制度3.md").unlink()
    with tenant_context(organization.id):
        run_id = source_sync(source_id=source.id).id
    run = deaths.survive(run_id, point, "ingest")
    # What is shown is true: nothing that a dead worker did is counted twice, and nothing is forgotten.
    shown = {name: count for name, count in run.result["counts"].items() if count}
    assert shown == {"new": 2, "changed": 1, "read": 2, "renamed": 1, "gone": 1, "unchanged": 1}, shown
    with tenant_context(organization.id):
        assert counts_shown(Source.objects.get()) == run.result["counts"]
        numbers = Counter(DocumentVersion.objects.values_list("document__name", flat=True))
        ended_ones = list(DocumentVersion.objects.filter(effective_to__isnull=False).values_list("document__name"))
        items = dict(SourceItem.objects.values_list("key", "state"))
    assert numbers == {
        "共享盘/设备制度1.md": 2, "共享盘/规程2.md": 1, "共享盘/设备制度3.md": 1, "共享盘/设备制度4.md": 1,
        "共享盘/设备制度5.md": 1,
    }  # fmt: skip
    assert sorted(ended_ones) == [("共享盘/设备制度1.md",), ("共享盘/设备制度3.md",)]
    assert Counter(items.values()) == {"ready": 4, "gone": 1}
    assert_whole(organization, collection, 5)
    with tenant_context(organization.id):
        again = source_sync(source_id=source.id)
    assert stage_run_execute(run_id=again.id, worker="test") == "succeeded"
    with tenant_context(organization.id):
        assert StageRun.objects.get(id=again.id).result["reused"], "there was nothing left to do"


@slow
@pytest.mark.parametrize(
    "point",
    [
        "liaoyuan.knowledge.questions.evaluating:_keep:2:after",
        "liaoyuan.knowledge.questions.evaluating:_keep:3",
        "liaoyuan.knowledge.questions.evaluating:_finish:1",
        END,
    ],
)
def test_a_killed_evaluation_asks_every_question_once(
    point: str, deaths: Deaths, organization: Any, tmp_path: Path
) -> None:
    collection = imported(organization, tmp_path)
    with tenant_context(organization.id):
        asked: list[Any] = [
            question_add(collection_id=collection.id, question=f"第{n}号设备几天检查一次？", must_contain=[f"每{n}天"])
            for n in range(1, FILES + 1)
        ]
        made = evaluation_start(collection_id=collection.id, set_id=asked[0].question_set_id)
    assert made.run_id is not None
    deaths.survive(made.run_id, point, "evaluate")
    with tenant_context(organization.id):
        done = EvaluationRun.objects.get(id=made.id)
        rows = list(EvaluationRow.objects.filter(evaluation=made).order_by("position"))
    assert [row.question_id for row in rows] == [question.id for question in asked]
    assert (done.count, done.metrics["must_contain"]) == (FILES, 1.0) and done.finished_at is not None
