"""What a synchronization says it did is what was done, also where its worker was killed on the way."""

import pkgutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from liaoyuan.accounts.models import AuditEvent
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.sources import syncing
from liaoyuan.knowledge.sources.counting import counts_shown
from liaoyuan.knowledge.sources.models import Source
from liaoyuan.knowledge.sources.services import source_sync
from liaoyuan.pipeline.models import StageRun
from tests.integration.knowledge_sources.conftest import Add, Sync


class Attempt:
    """What a run is given, its checkpoint kept from one attempt to the next."""

    def __init__(self, run: StageRun, organization_id: UUID, workdir: Path) -> None:
        self.run_id, self.spec, self.workdir = run.id, run.spec, workdir
        self.checkpoint: dict[str, Any] = {}
        self.solution = SimpleNamespace(organization_id=organization_id, requested_by=None)

    def checkpoint_save(self, state: dict[str, Any]) -> None:
        self.checkpoint = dict(state)

    def progress(self, *_: Any) -> None: ...

    def cancelled(self) -> bool:
        return False


class Killed(BaseException):
    """As a kill -9 would: nothing after it is carried out."""


# After the first and, where there are several, the second time that each of these did its work.
POINTS = [
    ("syncing.batch_store", 1),
    ("syncing.Sync._keep", 1),
    ("syncing.Sync._keep", 2),
    ("bringing.file_finish", 1),
    ("bringing.Bringing._save", 1),
    ("bringing.Bringing._save", 2),
    ("syncing.item_end", 1),
    ("syncing.Sync._end", 1),
    ("syncing.Sync._close", 1),
]


@pytest.mark.parametrize(("point", "time"), POINTS)
def test_what_a_killed_synchronization_did_is_counted_once_by_the_one_that_goes_on(
    organization: Any, add: Add, sync: Sync, root: Path, monkeypatch: pytest.MonkeyPatch, point: str, time: int
) -> None:
    def write(number: int, days: str) -> None:
        text = f"# 设备{number}\n\n第一条 设备{number}每{days}天检查一次。\n"
        (root / f"设备{number}.md").write_text(text, encoding="utf-8")

    for number in range(1, 5):
        write(number, "三")
    source = add()
    sync(source)
    write(5, "五")
    write(1, "九")
    (root / "设备2.md").rename(root / "规程2.md")
    (root / "设备3.md").unlink()
    with tenant_context(organization.id):
        run = source_sync(source_id=source.id)
    work = root.parent / "work"
    work.mkdir()
    context: Any = Attempt(run, organization.id, work)
    place, _, name = f"liaoyuan.knowledge.sources.{point}".rpartition(".")
    home = pkgutil.resolve_name(place)
    real, done = getattr(home, name), []

    def dies(*given: Any, **more: Any) -> Any:
        told = real(*given, **more)
        done.append(name)
        if len(done) == time:
            raise Killed
        return told

    monkeypatch.setattr(home, name, dies)
    with pytest.raises(Killed):
        syncing.Sync(context, source.id).run()
    monkeypatch.setattr(home, name, real)
    counts = syncing.Sync(context, source.id).run()
    assert {each: count for each, count in counts.items() if count} == {
        "new": 2, "changed": 1, "unchanged": 1, "read": 2, "renamed": 1, "gone": 1,
    }  # fmt: skip
    with tenant_context(organization.id):
        assert counts_shown(Source.objects.get()) == counts
        assert AuditEvent.objects.filter(action="source.sync", object_id=source.id).count() >= 1
