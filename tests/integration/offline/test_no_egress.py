"""The main job with the outside closed: nothing is asked of anybody, and everything works."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.engines import ROOT, VAR
from tests.integration.api.conftest import GUIDELINE

GUARD = Path(__file__).with_name("guard")


def isolated() -> list[str]:
    """A network of its own with nothing but loopback, where we may make one; else the guard alone has to do."""
    words = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    able = shutil.which("unshare") and shutil.which("ip") and os.geteuid() == 0
    return words if able and subprocess.run([*words, "true"], capture_output=True).returncode == 0 else []


def environment(log: Path) -> dict[str, str]:
    # As a machine is that nobody prepared: no variable that would tell a library to stay offline.
    hints = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "TIKTOKEN_CACHE_DIR", "NO_PROXY", "no_proxy")
    kept = {key: value for key, value in os.environ.items() if key not in hints}
    paths = f"{GUARD}:{ROOT / 'platform'}:{ROOT}"
    return kept | {"PYTHONPATH": paths, "EGRESS_LOG": str(log), "LIAOYUAN_TEST_VAR": str(VAR)}


def test_the_guard_sees_a_call_outside(tmp_path: Path) -> None:
    log = tmp_path / "egress.log"
    ask = "import socket; socket.create_connection(('192.0.2.1', 443), 1)"
    ended = subprocess.run([sys.executable, "-c", ask], env=environment(log), capture_output=True, text=True)
    assert "outside is closed" in ended.stderr
    assert "192.0.2.1" in log.read_text(encoding="utf-8")


@pytest.mark.timeout(900)
def test_import_question_and_pipeline_ask_nobody_outside(database: str, organization: Any, tmp_path: Path) -> None:
    log = tmp_path / "egress.log"
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "手卫生管理规定.md").write_text(GUIDELINE, encoding="utf-8")
    argv = [sys.executable, "-m", "tests.integration.offline.journey", database, str(organization.id), str(tmp_path)]
    ended = subprocess.run(
        [*isolated(), *argv], env=environment(log), cwd=ROOT, capture_output=True, text=True, timeout=840
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    found = json.loads(ended.stdout.strip().splitlines()[-1])
    asked = log.read_text(encoding="utf-8") if log.exists() else ""
    assert asked == ""
    assert "30" in found["answer"]
    assert found["states"]["ingest"] == "succeeded"
    assert found["states"]["compute"] == "succeeded"
    # Three clauses make few samples: what counts is that the stage came to its own end.
    assert found["states"]["data"].split(":")[0] in {"succeeded", "failed"}
