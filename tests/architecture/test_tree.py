"""The tree keeps its promises: what a reader expects of one folder holds for all."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "platform" / "liaoyuan"
STAGES = ("compute", "data", "training", "deployment", "security", "operations")
LONGEST_FILE = 400
LONGEST_FUNCTION = 60


def _sources() -> list[Path]:
    folders = (PACKAGE, ROOT / "workers", ROOT / "industries", ROOT / "benchmarks", ROOT / "tests")
    files = [path for folder in folders for path in folder.rglob("*.py")]
    return [path for path in files if "migrations" not in path.parts and "__pycache__" not in path.parts]


def test_platform_is_a_source_root_and_never_a_package() -> None:
    """A module there would shadow the standard library's ``platform`` and stop Django from starting."""
    assert not list((ROOT / "platform").glob("*.py"))


@pytest.mark.parametrize("entry", [["-c"], ["-m", "timeit", "-n1", "-r1"]])
def test_the_standard_library_keeps_its_platform(entry: list[str]) -> None:
    done = subprocess.run([sys.executable, *entry, "import platform; platform.system()"], cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def test_the_top_level_holds_what_the_design_names() -> None:
    for name in ("manage.py", "platform", "industries", "workers", "templates", "tests", "docker-compose.yml"):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_the_same_file_names(stage: str) -> None:
    for name in ("apps", "stage", "models", "services", "selectors"):
        assert (PACKAGE / stage / f"{name}.py").exists() or (PACKAGE / stage / name).is_dir(), f"{stage}/{name}"


@pytest.mark.parametrize("path", _sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION, f"{node.name} in line {node.lineno}"


def test_no_code_is_made_from_text_and_no_pickle_is_read() -> None:
    forbidden = {"eval", "exec", "compile"}
    for path in (PACKAGE, ROOT / "workers", ROOT / "industries"):
        for file in path.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    assert node.func.id not in forbidden, f"{file}:{node.lineno}"
                if isinstance(node, ast.keyword) and node.arg == "shell":
                    assert getattr(node.value, "value", None) is not True, f"{file}:{node.value.lineno}"
                if isinstance(node, ast.Import):
                    assert not {alias.name for alias in node.names} & {"pickle", "dill", "marshal"}, str(file)


def test_migrations_have_human_names() -> None:
    for path in PACKAGE.rglob("migrations/0*.py"):
        assert "_auto_" not in path.name, path.name
        assert not path.name.endswith("_initial.py"), path.name


def test_no_registry_address_is_committed() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    words = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "npmjs" + ".com")
    for name in listed:
        path = ROOT / name
        if path.is_file() and path.suffix in {".py", ".txt", ".toml", ".json", ".yml", ".yaml", ".md", ""}:
            text = path.read_text(encoding="utf-8", errors="ignore")
            assert not any(word in text for word in words), name
