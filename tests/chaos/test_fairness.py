"""Ten thousand files of one organization before three of another, on one real worker with one slot: once as one import,
once as an import each."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest

from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.tenancy import system_context, tenant_context
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.services import collection_create
from liaoyuan.knowledge.waiting.models import ITEM_DONE, ImportItem, ItemState
from liaoyuan.knowledge.waiting.selectors import line_of
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import FINAL_STATES, Outbox, RunState, StageRun
from liaoyuan.pipeline.services import stage_run_cancel, stage_run_start
from liaoyuan.pipeline.services.doorbells import OUTSTANDING
from tests.chaos.house import START_SECONDS, House, ended, read, until
from tests.chaos.knowledge import REAL

pytestmark = [pytest.mark.chaos, pytest.mark.slow]
# What it took: shown by `--log-cli-level=INFO`.
logger = logging.getLogger(__name__)
MANY = 10_000
FEW = 3
SLICE = "3"
# Files after which the worker has everything loaded, and so many more, before its memory is compared.
WARM, MORE = 60, 300
GROWTH_MB = 60.0


@pytest.fixture(autouse=True)
def _nobody_else() -> Iterator[None]:
    with system_context("test") as alias:
        StageRun.objects.using(alias).exclude(state__in=FINAL_STATES).update(state=RunState.CANCELLED)
    yield


def written(folder: Path, number: int) -> Path:
    path = folder / f"{number:05d}.md"
    path.write_text(f"# 记录{number}\n\n第{number}号设备今日检查正常。\n", encoding="utf-8")
    return path


def bring(organization: Any, member: Any, folder: Path, count: int) -> tuple[Collection, UUID]:
    folder.mkdir()
    for number in range(count):
        written(folder, number)
    with tenant_context(organization.id, member.user_id):
        collection = collection_create(name="制度")[0]
        spec = {"collection": "制度", "collection_id": str(collection.id), "paths": [str(folder)]}
        return collection, stage_run_start(stage=StageName.INGEST, spec=spec).id


def done(organization: Any) -> int:
    with tenant_context(organization.id):
        return ImportItem.objects.filter(state__in=ITEM_DONE).count()


def memory_mb(parent: psutil.Process) -> float:
    """Of the worker's own processes; its parsers are replaced after some files and count for themselves."""
    family = [parent, *(child for child in parent.children(recursive=True) if "parse.child" not in _words(child))]
    return sum(process.memory_info().rss for process in family) / 2**20


def _words(process: psutil.Process) -> str:
    return " ".join(process.cmdline())


def test_three_files_end_while_ten_thousand_wait_and_each_of_those_says_why(
    house: House, organization: Any, owner: Any, other_organization: Any, stranger: Any, tmp_path: Path
) -> None:
    collection, large = bring(organization, owner, tmp_path / "many", MANY)
    worker = house.worker("only", "ingest", **{REAL: SLICE})
    try:
        until(
            lambda: done(organization) >= WARM, seconds=8 * START_SECONDS, what="the first files of the many are read"
        )
        warm = memory_mb(psutil.Process(worker.pid))
        _other, small = bring(other_organization, stranger, tmp_path / "few", FEW)
        took = until(lambda: ended(other_organization.id, small), seconds=4 * START_SECONDS, what="the three are read")
        logger.info("three files beside %d of one import: %.1f s", MANY, took)
        run = read(other_organization.id, small)
        assert (run.state, run.result["ready"]) == ("succeeded", FEW), run.error
        assert not ended(organization.id, large)
        assert done(organization) < MANY / 2, "most of the many wait still"
        every_file_says_where_it_stands(organization, owner, collection)
        more = done(organization) + MORE
        until(lambda: done(organization) >= more, seconds=10 * START_SECONDS, what="some hundred more are read")
        grown = memory_mb(psutil.Process(worker.pid)) - warm
        assert grown < GROWTH_MB, f"the worker grew by {grown:.0f} MB over {MORE} files"
        with tenant_context(organization.id, owner.user_id):
            stage_run_cancel(principal=Principal(owner.user_id, organization.id, "owner"), run_id=large)
        until(lambda: ended(organization.id, large), seconds=2 * START_SECONDS, what="the many are stopped")
    finally:
        house.kill(worker)
        worker.wait()
    with tenant_context(organization.id):
        states = set(ImportItem.objects.values_list("state", flat=True))
    assert states == {ItemState.READY, ItemState.CANCELLED}, "what was begun is whole, the rest can be tried again"


def every_file_says_where_it_stands(organization: Any, owner: Any, collection: Collection) -> None:
    """Page by page through the whole line, as the screen does."""
    seen: list[tuple[str, int]] = []
    offset = 0
    while True:
        with tenant_context(organization.id, owner.user_id):
            files = line_of(collection.id, state="open", offset=offset, limit=500).files
        for file in files:
            if file.state == ItemState.QUEUED:
                assert file.reason_zh and file.reason_en and file.position >= 1
        seen += [(file.state, file.position) for file in files]
        assert all(file.until is not None for file in files), "an end was learned from the files before"
        if len(files) < 500:
            break
        offset += 500
    assert len(seen) > MANY / 2


def upload_each(organization: Any, member: Any, folder: Path, count: int) -> None:
    """An import for each of ``count`` files, as a script sends them one by one; the rows as the service writes them."""
    folder.mkdir()
    with tenant_context(organization.id, member.user_id):
        collection = collection_create(name="制度")[0]
        spec = {"collection": "制度", "collection_id": str(collection.id)}
        first = stage_run_start(stage=StageName.INGEST, spec=spec | {"paths": [str(written(folder, 0))]})
        first.refresh_from_db()
        names = [field.attname for field in StageRun._meta.concrete_fields if field.attname not in {"id", "spec"}]
        same = {name: getattr(first, name) for name in names}
        specs = [spec | {"paths": [str(written(folder, number))]} for number in range(1, count)]
        runs = StageRun.objects.bulk_create([StageRun(**same, spec=each) for each in specs], batch_size=1000)
        own = {"organization_id": organization.id, "queue": first.queue}
        Outbox.objects.bulk_create([Outbox(**own, run_id=run.id) for run in runs], batch_size=1000)


def succeeded(organization: Any) -> int:
    with tenant_context(organization.id):
        return StageRun.objects.filter(state=RunState.SUCCEEDED).count()


def test_three_uploads_end_after_a_few_of_ten_thousand_that_came_before(
    house: House, organization: Any, owner: Any, other_organization: Any, stranger: Any, tmp_path: Path
) -> None:
    upload_each(organization, owner, tmp_path / "many", MANY)
    worker = house.worker("only", "ingest", **{REAL: SLICE})
    try:
        until(lambda: succeeded(organization) >= FEW, seconds=8 * START_SECONDS, what="some of the many are read")
        before = succeeded(organization)
        upload_each(other_organization, stranger, tmp_path / "few", FEW)
        took = until(lambda: succeeded(other_organization) == FEW, seconds=4 * START_SECONDS, what="the three are read")
        overtaking = succeeded(organization) - before
        # What the broker held already comes first; then the one who has less out, until both have as much.
        logger.info("three uploads behind %d: %.1f s, %d of the many before them", MANY, took, overtaking)
        assert overtaking <= OUTSTANDING + 2 * FEW, f"{overtaking} of the many came before the three"
    finally:
        house.kill(worker)
        worker.wait()
