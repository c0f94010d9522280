"""Every code that an error may carry, read from the errors themselves: none can be forgotten here."""

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache

import liaoyuan
from liaoyuan.api.rest.schemas.oversight import ProblemOut
from liaoyuan.errors import LiaoyuanError

# Their errors are raised in other processes, or need a library that may be absent.
ELSEWHERE = ("migrations", "management", "__main__", "tests")


@cache
def _classes() -> tuple[type[LiaoyuanError], ...]:
    """All error classes of the modules named ``errors`` and of what is loaded anyway."""
    for module in pkgutil.walk_packages(liaoyuan.__path__, "liaoyuan."):
        parts = module.name.split(".")
        if parts[-1] == "errors" and not set(parts) & set(ELSEWHERE):
            importlib.import_module(module.name)
    return tuple(_below(LiaoyuanError))


def _below(parent: type[LiaoyuanError]) -> Iterator[type[LiaoyuanError]]:
    for child in parent.__subclasses__():
        if child.__module__.startswith("liaoyuan."):
            yield child
            yield from _below(child)


def problem_codes() -> list[ProblemOut]:
    """One row a code, by code; where two classes share one, the one that is higher up speaks for it."""
    found: dict[str, ProblemOut] = {}
    for error in _classes():
        if error.code not in found:
            found[error.code] = ProblemOut(
                code=error.code, status=error.status, retryable=error.retryable, zh=error.zh, en=error.en
            )
    return [found[code] for code in sorted(found)]
