"""Tests that share what is dear to set up run in one process, and long ones begin first."""

import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from tests.distribution import SECONDS, WHOLE, longest_first, share_of

ROOT = Path(__file__).resolve().parents[2]
TREE = {
    "tests/chaos/test_one.py": 3,
    "tests/chaos/test_two.py": 3,
    "tests/browser/test_page.py": 6,
    "tests/unit/test_many.py": 12,
    "tests/unit/test_more.py": 12,
}


def test_each_file_stays_in_one_process_and_a_whole_folder_too(tmp_path: Path) -> None:
    for name, count in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        body = "import pytest\n@pytest.mark.parametrize('i', range({}))\ndef test_it(i): pass\n"
        (tmp_path / name).write_text(body.format(count), encoding="utf-8")
    said = _run(tmp_path)
    processes: defaultdict[str, set[str]] = defaultdict(set)
    ran = re.findall(r"\[(gw\d)\].*PASSED (\S+)::", said)
    for process, path in ran:
        processes[share_of(path)].add(process)
    assert len(ran) == sum(TREE.values()), said
    assert {share: len(found) for share, found in processes.items()} == {share_of(name): 1 for name in TREE}
    assert {process for process, _ in ran} == {"gw0", "gw1"}


def _run(tree: Path) -> str:
    """What pytest says about ``tree``, run by two processes that know nothing of the run around them."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "xdist.plugin",
        "-p",
        "tests.distribution",
        "-p",
        "no:cacheprovider",
    ]
    command += ["-n", "2", "--dist", "loadfile", "-v", "--import-mode", "importlib", "--rootdir", str(tree)]
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=120).stdout


def test_what_takes_long_begins_first() -> None:
    shares = {path: {f"{path}::test_{index}": False for index in range(count)} for path, count in TREE.items()}
    first, second, third, *_ = longest_first(shares)
    assert {first, second, third} == {name for name in TREE if "unit" not in name}


def test_no_folder_or_mark_promises_what_nothing_keeps() -> None:
    """A folder that moved, or a mark that only ``loadgroup`` reads, would group nothing and say nothing."""
    for prefix in (*WHOLE, *(prefix for prefix, _ in SECONDS)):
        assert (ROOT / prefix).is_dir()
    mark = "xdist_" + "group"
    assert not [str(file) for file in (ROOT / "tests").rglob("*.py") if mark in file.read_text(encoding="utf-8")]


def test_make_and_the_plugin_name_the_same_way_of_dealing_out() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert makefile.count("-n $(JOBS) --dist loadfile") == 2
    assert "-p tests.distribution" in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
