"""The training process seen from the worker: it reports, obeys, and takes nothing down with it."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from liaoyuan.pipeline.contract import RunCancelled
from liaoyuan.training.adapters.process import process_run
from liaoyuan.training.errors import DatasetTooSmall, TrainerFaulty, TrainerLost
from liaoyuan.training.schemas import Recipe
from tests.unit.training.tiny import conversations

Dataset = Callable[..., Path]


@pytest.fixture
def job(tiny: Path, tmp_path: Path, recipe: Recipe) -> Callable[..., str]:
    def make(dataset: Path, **changes: Any) -> str:
        chosen = recipe.model_copy(update={"checkpoint_seconds": 0.0} | changes)
        folders = {name: str(tmp_path / name) for name in ("cache", "output", "checkpoint")}
        (tmp_path / "output").mkdir(exist_ok=True)
        body = folders | {"dataset": str(dataset), "gguf": str(tiny), "name": "tiny", "threads": 1}
        return json.dumps(body | {"recipe": chosen.model_dump(mode="json")})

    return make


def test_a_run_is_cancelled_within_a_step_and_keeps_its_checkpoint(
    job: Callable[..., str], dataset: Dataset, tmp_path: Path
) -> None:
    seen: list[dict[str, Any]] = []

    def progress(fraction: float, step: str, numbers: dict[str, Any]) -> None:
        seen.append({"fraction": fraction, "step": step} | numbers)

    def trained() -> bool:
        return sum("loss" in item for item in seen) >= 2

    work = job(dataset(), epochs=400, max_steps=1000)
    with pytest.raises(RunCancelled):
        process_run(work, log=tmp_path / "log", progress=progress, cancelled=trained)
    living = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    assert not [child for child in living if "adapters.child" in " ".join(child.cmdline())]
    state = json.loads(next((tmp_path / "checkpoint").glob("step-*/state.json")).read_text())
    assert 2 <= state["step"] < 1000


def test_a_whole_run_gives_report_adapter_and_references(
    job: Callable[..., str], dataset: Dataset, tmp_path: Path
) -> None:
    steps: list[str] = []

    def progress(fraction: float, step: str, numbers: dict[str, Any]) -> None:
        steps.append(step)

    # A question of the gate stands in the same file and is not learnt from.
    rows = [*conversations(48), {"id": "g1", "split": "gate", "question": "?", "evidence": []}]
    report = process_run(job(dataset(rows)), log=tmp_path / "log", progress=progress, cancelled=lambda: False)
    scores = report["evaluation"]
    assert list(dict.fromkeys(steps)) == ["unpack", "evaluate_base", "train", "evaluate_tuned", "references"]
    assert scores["tuned"]["loss"] < scores["base"]["loss"]
    assert report["samples"]["train"] == 36 and report["samples"]["eval"] == 12
    assert report["training"]["steps"] == 12 and report["peak_memory_mb"] > 0
    assert (tmp_path / "output" / "adapter.gguf").stat().st_size > 1000
    references = json.loads((tmp_path / "output" / "references.json").read_text())
    assert len(references) == Recipe().parity_prompts and all(
        abs(r["tuned"] - r["merged"]) < 1e-3 for r in references[:4]
    )


def test_a_dataset_that_is_too_small_is_refused_before_anything_slow(
    job: Callable[..., str], dataset: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(DatasetTooSmall, match="7 usable samples in “train”, at least 8"):
        process_run(
            job(dataset(conversations(9))), log=tmp_path / "log", progress=lambda *_: None, cancelled=lambda: False
        )
    assert not (tmp_path / "cache").exists()


def test_a_killed_process_is_lost_and_worth_a_retry(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"]
    with pytest.raises(TrainerLost, match="SIGSEGV") as lost:
        process_run("{}", log=tmp_path / "log", progress=lambda *_: None, cancelled=lambda: False, command=command)
    assert lost.value.retryable


def test_a_bug_in_the_process_is_not_retried_and_tells_its_last_line(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('out of luck')"]
    with pytest.raises(TrainerFaulty, match="out of luck") as faulty:
        process_run("{}", log=tmp_path / "log", progress=lambda *_: None, cancelled=lambda: False, command=command)
    assert not faulty.value.retryable


def test_the_process_sees_no_secret_of_the_platform(tmp_path: Path) -> None:
    os.environ["LIAOYUAN_SECRET_KEY"] = "k" * 40
    code = (
        "import json, os; print(json.dumps({'event': 'result', 'report': "
        "{'seen': [key for key in os.environ if key.startswith('LIAOYUAN_')]}}), flush=True)"
    )
    try:
        report = process_run(
            "{}",
            log=tmp_path / "log",
            progress=lambda *_: None,
            cancelled=lambda: False,
            command=[sys.executable, "-c", code],
        )
    finally:
        del os.environ["LIAOYUAN_SECRET_KEY"]
    assert report == {"seen": []}


def test_a_process_that_ignores_the_signal_is_ended_all_the_same(tmp_path: Path) -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    stop = threading.Event()
    threading.Timer(1.0, stop.set).start()
    began = time.monotonic()
    with pytest.raises(RunCancelled):
        process_run(
            "{}",
            log=tmp_path / "log",
            progress=lambda *_: None,
            cancelled=stop.is_set,
            command=[sys.executable, "-c", code],
            grace=1.0,
        )
    assert time.monotonic() - began < 15


def test_a_signal_to_the_process_alone_is_a_loss_that_a_retry_mends(
    job: Callable[..., str], dataset: Dataset, tmp_path: Path
) -> None:
    """Who stops a machine signals every process on it; the run was not cancelled by that."""

    def progress(_fraction: float, _step: str, numbers: dict[str, Any]) -> None:
        if "loss" in numbers:
            for child in psutil.Process().children():
                # Another test's child, or this one after its signal, may end at any moment.
                with suppress(psutil.Error):
                    if "adapters.child" in " ".join(child.cmdline()):
                        child.terminate()

    work = job(dataset(), epochs=400, max_steps=1000)
    with pytest.raises(TrainerLost) as lost:
        process_run(work, log=tmp_path / "log", progress=progress, cancelled=lambda: False)
    assert lost.value.retryable
    assert next((tmp_path / "checkpoint").glob("step-*/state.json"))
