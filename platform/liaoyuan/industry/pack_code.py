"""Imports a pack's own code from its verified bytes: never from disk, never from a cache file."""

import ast
import importlib.abc
import importlib.machinery
import importlib.util
from types import CodeType, ModuleType

from liaoyuan.industry.errors import PackInvalid
from liaoyuan.industry.files import PackFiles
from liaoyuan.industry.plugin import PackCode, registration_open
from liaoyuan.industry.schemas.industry import IndustrySpec

CODE_FILES = ("formats.py", "checks.py")
PLUGIN = "liaoyuan.industry.plugin"
# A signature says whom to trust, not that the code is safe: this keeps an honest pack within pure data work.
ALLOWED_IMPORTS = frozenset(
    {
        "collections",
        "csv",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
        "functools",
        "io",
        "itertools",
        "json",
        "lxml",
        "math",
        "re",
        "statistics",
        "typing",
        "unicodedata",
    }
)
FORBIDDEN_NAMES = frozenset({"eval", "exec", "compile", "open", "__import__", "globals", "breakpoint", "input"})


class _VerifiedSource(importlib.abc.InspectLoader):
    """Gives the import system the source that was hashed, whatever lies on disk by now."""

    def __init__(self, filename: str, source: str) -> None:
        self._filename = filename
        self._source = source

    def get_source(self, fullname: str) -> str:
        return self._source

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self._source, self._filename)


def code_problems(files: PackFiles) -> list[tuple[str, str]]:
    """(file, problem) for code in the wrong place, forbidden imports and forbidden names. Runs nothing."""
    problems: list[tuple[str, str]] = []
    for name in (n for n in files if n.endswith((".py", ".pyc", ".so", ".pth"))):
        if name not in CODE_FILES:
            problems.append((name, f"code is allowed only in {' and '.join(CODE_FILES)}"))
        else:
            problems.extend((name, problem) for problem in _source_problems(files[name]))
    return problems


def _source_problems(data: bytes) -> list[str]:
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError) as error:
        return [f"it is not valid Python ({error})"]
    return [problem for node in ast.walk(tree) for problem in _node_problems(node)]


def _node_problems(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [p for alias in node.names for p in _import_problem(node.lineno, alias.name, 0)]
    if isinstance(node, ast.ImportFrom):
        return _import_problem(node.lineno, node.module or "", node.level)
    if isinstance(node, ast.Name) and node.id in FORBIDDEN_NAMES:
        return [f"line {node.lineno}: {node.id} is not allowed"]
    if isinstance(node, ast.Attribute) and node.attr.startswith("__"):
        return [f"line {node.lineno}: {node.attr} is not allowed"]
    return []


def _import_problem(line: int, module: str, level: int) -> list[str]:
    if level == 0 and (module == PLUGIN or module.partition(".")[0] in ALLOWED_IMPORTS):
        return []
    return [
        f"line {line}: import of {'.' * level}{module}; a pack imports {PLUGIN} and a few pure standard modules only"
    ]


def code_import(spec: IndustrySpec, files: PackFiles) -> PackCode:
    """Run the pack's code and return what it registered. The caller has verified the signature.

    Raises:
        PackInvalid: the code cannot be imported, or registers other names than industry.toml declares.
    """
    for name, problem in code_problems(files):
        raise PackInvalid(file=name, problem=problem)
    with registration_open() as code:
        for name in (n for n in CODE_FILES if n in files):
            _module_run(spec.name, name, files[name])
    _declared("checks", spec.checks, set(code.checks))
    _declared("formats", spec.formats, set(code.formats))
    return code


def _module_run(pack: str, name: str, data: bytes) -> ModuleType:
    fullname = f"liaoyuan_pack_{pack.replace('-', '_')}_{name.removesuffix('.py')}"
    loader = _VerifiedSource(f"industries/{pack}/{name}", data.decode("utf-8"))
    module = importlib.util.module_from_spec(importlib.machinery.ModuleSpec(fullname, loader))
    try:
        loader.exec_module(module)
    except Exception as error:
        raise PackInvalid(file=name, problem=f"it failed while loading: {type(error).__name__}: {error}") from error
    return module


def _declared(kind: str, declared: tuple[str, ...], registered: set[str]) -> None:
    if set(declared) != registered:
        raise PackInvalid(
            file="industry.toml",
            problem=f"{kind} declares {sorted(declared)} and the code registers {sorted(registered)}; they must agree",
        )
