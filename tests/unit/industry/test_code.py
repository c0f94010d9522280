"""A pack's own code: only after the signature, only the plugin surface, only what was declared."""

from pathlib import Path

import pytest

from liaoyuan.industry.errors import PackInvalid
from liaoyuan.industry.loader import Trust, pack_load
from liaoyuan.industry.pack_code import code_problems
from liaoyuan.industry.plugin import CheckContext, CheckedAnswer, CheckResult, DomainCheck, register_check
from liaoyuan.industry.schemas import Question
from tests.unit.industry.packs import INDUSTRY, pack_write, put, signed

CHECK = '''"""A check."""

from liaoyuan.industry.plugin import CheckContext, CheckResult, register_check


@register_check("short-answers")
def short_answers(context: CheckContext) -> CheckResult:
    return CheckResult(value=1.0 if all(len(a.answer) < 50 for a in context.answers) else 0.0)
'''
DECLARED = INDUSTRY.replace("checks = []", 'checks = ["short-answers"]')


@pytest.fixture
def coded(tmp_path: Path, key_file: Path) -> Path:
    return signed(pack_write(tmp_path / "coded", checks__py=CHECK, industry__toml=DECLARED), key_file)


def test_a_declared_check_is_registered_and_runs(coded: Path, trust: Trust) -> None:
    check = pack_load(coded, trust).code().checks["short-answers"]
    assert check(CheckContext(())) == CheckResult(value=1.0)


def test_what_runs_is_what_was_verified_not_what_lies_on_disk(coded: Path, trust: Trust) -> None:
    pack = pack_load(coded, trust)
    put(coded, "checks.py", "raise SystemExit('swapped')")
    assert set(pack.code().checks) == {"short-answers"}


@pytest.mark.parametrize("declared", [INDUSTRY, INDUSTRY.replace("checks = []", 'checks = ["other"]')])
def test_declared_and_registered_must_agree(tmp_path: Path, key_file: Path, declared: str) -> None:
    with pytest.raises(PackInvalid, match="they must agree"):
        signed(pack_write(tmp_path / "coded", checks__py=CHECK, industry__toml=declared), key_file)


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "import subprocess",
        "import socket",
        "import importlib",
        "from pathlib import Path",
        "from liaoyuan.accounts import tenancy",
        "import liaoyuan.industry.loader",
        "from liaoyuan.industry import loader",
        "from . import helper",
        "eval('1')",
        "exec('1')",
        "open('x')",
        "__import__('os')",
        "().__class__.__bases__",
        "def broken(:",
    ],
)
def test_code_beyond_the_surface_is_refused_before_it_runs(source: str) -> None:
    assert code_problems({"checks.py": source.encode()})


def test_code_that_fails_while_loading_is_named(tmp_path: Path, key_file: Path) -> None:
    with pytest.raises(PackInvalid, match=r"checks\.py.*ZeroDivisionError"):
        signed(pack_write(tmp_path / "coded", checks__py="x = 1 / 0\n", industry__toml=DECLARED), key_file)


def test_registering_outside_the_loader_is_an_error() -> None:
    def check(context: CheckContext) -> CheckResult:
        return CheckResult(1.0)

    with pytest.raises(RuntimeError):
        register_check("stray")(check)


def medical_check() -> DomainCheck:
    root = Path(__file__).resolve().parents[3] / "industries" / "medical"
    return pack_load(root, Trust.from_folders()).code().checks["numbers-quoted"]


QUESTION = Question(
    id="q", question="?", language="zh", evidence=("d#l",), must_contain=("x",), answerable=True, type="fact"
)


@pytest.mark.parametrize(
    ("answer", "quotes", "value"),
    [
        ("揉搓不少于 15 秒，有效期 30 天", ("有效期 30天。",), 1.0),
        ("有效期 60 天", ("有效期 30 天。",), 0.0),
        ("补液 30 mL/kg", (), 0.0),
        ("没有数字", (), 1.0),
    ],
)
def test_medical_numbers_must_stand_in_a_quote(answer: str, quotes: tuple[str, ...], value: float) -> None:
    context = CheckContext((CheckedAnswer(QUESTION, answer, abstained=False, quotes=quotes),))
    assert medical_check()(context).value == value
