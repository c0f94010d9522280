"""The disk fills up in the middle: a clear error, what was done stays, and it goes on when there is room again."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.adapters.embeddings import embedder
from liaoyuan.knowledge.models import DocumentVersion
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import StageRun
from liaoyuan.pipeline.services import stage_run_execute, stage_run_start
from liaoyuan.pipeline.storage import storage
from liaoyuan.training.adapters.checkpoint import Standing, checkpoint_read, checkpoint_write
from tests.integration.knowledge.conftest import NURSING, WASTE

ROOM = 3 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of three megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={ROOM},mode=0700", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(["mount", *options], capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs (root in a container with CAP_SYS_ADMIN)")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def on_small_disk(small_disk: Path, settings: Any) -> Iterator[Path]:
    """Storage and work folders lie on the small disk."""
    settings.EMBEDDINGS = "process"
    settings.VAR = small_disk
    settings.MEDIA_ROOT = small_disk / "storage"
    storage.cache_clear()
    embedder.cache_clear()
    yield small_disk
    # The settings come back after this.
    storage.cache_clear()
    embedder.cache_clear()


def fill(place: Path, leave: int = 0) -> Path:
    """Take all room but ``leave`` bytes."""
    ballast = place / "ballast"
    free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
    with ballast.open("wb") as out:
        try:
            out.write(bytes(max(free - leave, 0)))
            out.flush()
        except OSError as error:
            assert error.errno == errno.ENOSPC
    return ballast


def execute(organization: Any, run_id: Any) -> StageRun:
    with tenant_context(organization.id):
        StageRun.objects.filter(id=run_id).update(not_before=None)
    stage_run_execute(run_id=run_id, worker="test")
    with tenant_context(organization.id):
        return StageRun.objects.get(id=run_id)


def test_an_import_that_meets_a_full_disk_says_so_and_goes_on_later(
    organization: Any, on_small_disk: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "a 护理值班制度.md").write_text(NURSING, encoding="utf-8")
    with tenant_context(organization.id):
        first = stage_run_start(stage=StageName.INGEST, spec={"collection": "制度", "paths": [str(folder)]})
    assert execute(organization, first.id).state == "succeeded"
    # Too large for what is left, and then nothing is left.
    (folder / "b 医疗废物管理办法.md").write_text(WASTE + "\n\n" + NURSING * 800, encoding="utf-8")
    ballast = fill(on_small_disk, leave=64 << 10)
    with tenant_context(organization.id):
        second = stage_run_start(stage=StageName.INGEST, spec={"collection": "制度", "paths": [str(folder)]})
    stopped = execute(organization, second.id)
    assert (stopped.state, stopped.error.get("code")) == ("queued", "disk_full"), stopped.result
    assert "磁盘" in stopped.error["zh"]
    assert "retry" in stopped.error["en"]
    with tenant_context(organization.id):
        assert DocumentVersion.objects.filter(state="in_force").count() == 1
        assert not DocumentVersion.objects.filter(state="rejected").exists()
    assert not list((on_small_disk / "storage").rglob("*.part"))
    ballast.unlink()
    (folder / "b 医疗废物管理办法.md").write_text(WASTE, encoding="utf-8")
    ended = execute(organization, second.id)
    assert ended.state == "succeeded", ended.error
    with tenant_context(organization.id):
        assert DocumentVersion.objects.filter(state="in_force").count() == 2


def test_a_checkpoint_that_does_not_fit_leaves_the_one_before(small_disk: Path) -> None:
    weights = {"lora": torch.nn.Parameter(torch.ones(64, 1024))}
    optimiser = torch.optim.AdamW(list(weights.values()))
    folder = small_disk / "checkpoints"
    folder.mkdir()
    checkpoint_write(folder, Standing("run", step=1), weights, optimiser)
    ballast = fill(small_disk)
    with torch.no_grad():
        weights["lora"].fill_(2.0)
    with pytest.raises(Exception, match=r"(?i)no space left|os error 28|Errno 28"):
        checkpoint_write(folder, Standing("run", step=2), weights, optimiser)
    found = checkpoint_read(folder, "run", weights, optimiser)
    assert found is not None
    assert (found.step, float(weights["lora"].detach().max())) == (1, 1.0)
    ballast.unlink()
    checkpoint_write(folder, Standing("run", step=2), weights, optimiser)
    again = checkpoint_read(folder, "run", weights, optimiser)
    assert again is not None
    assert again.step == 2
