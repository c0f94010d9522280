"""The only surface that a pack's own code (``formats.py``, ``checks.py``) may import.

A pack's code runs only after its signature was verified by a trusted key. It registers by decorator while it is
loaded::

    from liaoyuan.industry.plugin import CheckContext, CheckResult, register_check

    @register_check("numbers-quoted")
    def numbers_quoted(context: CheckContext) -> CheckResult: ...

The name must be declared in ``industry.toml`` (``checks = [...]``, ``formats = [...]``); a gate uses it as
``domain.<name>``.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

from liaoyuan.industry.schemas.questions import Question

__all__ = [
    "CheckContext",
    "CheckResult",
    "CheckedAnswer",
    "DomainCheck",
    "FormatBlock",
    "FormatReader",
    "PackCode",
    "Question",
    "register_check",
    "register_format",
]


@dataclass(frozen=True)
class FormatBlock:
    """One piece of a domain file.

    ``locator`` says where it stands (a path, a record number) and is shown in citations.
    """

    text: str
    locator: str
    heading: str = ""
    type: str = "paragraph"


class FormatReader(Protocol):
    """Turns the bytes of one domain file into blocks, in reading order. Raises ValueError for a file it cannot read."""

    def __call__(self, data: bytes, filename: str) -> Sequence[FormatBlock]: ...


@dataclass(frozen=True)
class CheckedAnswer:
    """What a bundle answered to one gate question; ``quotes`` are the cited sentences."""

    question: Question
    answer: str
    abstained: bool
    quotes: tuple[str, ...]


@dataclass(frozen=True)
class CheckContext:
    """The answers to be judged, in the language-independent form above."""

    answers: tuple[CheckedAnswer, ...]


@dataclass(frozen=True)
class CheckResult:
    """``value`` is the metric (0..1, 1 = best); ``problems`` name the question ids and what is wrong."""

    value: float
    problems: tuple[str, ...] = ()


class DomainCheck(Protocol):
    """A gate of the domain. Pure: the same answers give the same result."""

    def __call__(self, context: CheckContext) -> CheckResult: ...


@dataclass
class PackCode:
    """What the code of one pack registered."""

    checks: dict[str, DomainCheck] = field(default_factory=dict)
    formats: dict[str, FormatReader] = field(default_factory=dict)
    suffixes: dict[str, str] = field(default_factory=dict)


_loading: ContextVar[PackCode | None] = ContextVar("pack_code_loading", default=None)


@contextmanager
def registration_open() -> Iterator[PackCode]:
    """For the loader: what is registered inside belongs to one pack. Nothing global remains."""
    code = PackCode()
    token = _loading.set(code)
    try:
        yield code
    finally:
        _loading.reset(token)


def _current() -> PackCode:
    code = _loading.get()
    if code is None:
        raise RuntimeError("register_* works only while the loader imports a pack")
    return code


def register_check(name: str) -> Callable[[DomainCheck], DomainCheck]:
    """Register a domain check; usable as the gate metric ``domain.<name>``."""

    def keep(check: DomainCheck) -> DomainCheck:
        checks = _current().checks
        if name in checks:
            raise ValueError(f"the check {name} is registered twice")
        checks[name] = check
        return check

    return keep


def register_format(name: str, *, suffixes: Sequence[str]) -> Callable[[FormatReader], FormatReader]:
    """Register a reader for files that end in one of ``suffixes`` (".fhir.json")."""

    def keep(reader: FormatReader) -> FormatReader:
        code = _current()
        taken = sorted(set(suffixes) & set(code.suffixes))
        if name in code.formats or taken:
            raise ValueError(f"the format {name} or its suffixes {taken} are registered twice")
        code.formats[name] = reader
        code.suffixes.update(dict.fromkeys(suffixes, name))
        return reader

    return keep
