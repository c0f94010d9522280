"""The door of the parsing layer: a path in, an outcome out, whatever the file does."""

import os
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from liaoyuan.knowledge.parse.blocks import ParsedDocument
from liaoyuan.knowledge.parse.errors import (
    REJECTIONS,
    Crashed,
    EmptyFile,
    OutOfMemory,
    ParseRejected,
    ParseTimeout,
    TooLarge,
    Unreadable,
    UnsafeName,
)
from liaoyuan.knowledge.parse.limits import Limits
from liaoyuan.knowledge.parse.process import Child, ChildDied

State = Literal["ready", "partial", "rejected"]
_GRACE_SECONDS = 5.0
_LONGEST_NAME = 255
# Why a document is partial, by flag; the first that applies is told.
_PARTIAL = {
    "page_limit": "too_many_pages",
    "time_limit": "timeout",
    "cell_limit": "too_large",
    "character_limit": "too_large",
    "damaged_page": "corrupt",
}
_REASONS = {
    "page_limit": (
        "只读取了前 {pages} 页，其余未读。请拆分文件后上传其余部分。",
        "Only the first {pages} pages were read. Split the file and upload the rest.",
    ),
    "time_limit": (
        "时限内只读取了 {pages} 页，其余未读。请拆分文件后上传。",
        "Only {pages} pages were read within the time limit. Split the file and upload the rest.",
    ),
    "cell_limit": (
        "单元格数超出上限，其余未读。请拆分表格后上传。",
        "There are more cells than the limit; the rest was not read. Split the table and upload the rest.",
    ),
    "character_limit": (
        "文字超出上限，其余未读。请拆分文件后上传。",
        "There is more text than the limit; the rest was not read. Split the file and upload the rest.",
    ),
    "damaged_page": (
        "部分页面已损坏，未能读取。请另存后重新上传。",
        "Some pages are damaged and were not read. Save a new copy and upload it again.",
    ),
}


@dataclass(frozen=True, slots=True)
class ParseOutcome:
    """What became of one file. ``document`` is None exactly when ``state`` is ``rejected``.

    ``code`` and the two reasons are empty when ``ready``. ``confinement`` names the layers that held the child
    (``bubblewrap``, ``network_namespace``, ``landlock``, ``rlimits``); empty where no child was needed.
    """

    name: str
    state: State
    code: str = ""
    reason_zh: str = ""
    reason_en: str = ""
    flags: frozenset[str] = frozenset()
    document: ParsedDocument | None = None
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    confinement: tuple[str, ...] = field(default=())
    retryable: bool = False

    def reason(self, language: str = "zh") -> str:
        """The sentence for a person, in Chinese or English."""
        return self.reason_zh if language.startswith("zh") else self.reason_en


def parse_file(
    path: Path | str, *, name: str | None = None, limits: Limits | None = None, password: str | None = None
) -> ParseOutcome:
    """Parses one file in a child of its own. Never raises for what the file is or does.

    ``name`` is the name that the user gave (default: the path's last part); it is checked, shown and used for a
    title, never for opening. ``limits`` bounds cost; ``password`` opens an encrypted PDF.
    """
    limits = limits or Limits()
    refused = preflight(path, name, limits)
    if refused is not None:
        return refused
    try:
        with Child(memory_mb=limits.memory_mb) as child:
            return parse_in(child, path, name=name, limits=limits, password=password)
    except ChildDied as death:
        shown = name if name is not None else Path(path).name
        return rejected(death_error(death, shown), shown)


def preflight(path: Path | str, name: str | None, limits: Limits) -> ParseOutcome | None:
    """What can be refused without reading: an unsafe name, no regular file, nothing in it, too much in it."""
    shown = name if name is not None else Path(path).name
    try:
        _check_name(shown)
        status = os.stat(path)  # noqa: PTH116  the path may be a str with a NUL, which Path.stat reports the same way
        if not stat.S_ISREG(status.st_mode) or not os.access(path, os.R_OK):
            raise Unreadable(name=shown)
        if status.st_size == 0:
            raise EmptyFile(name=shown)
        if status.st_size > limits.file_bytes:
            raise TooLarge(name=shown, detail=f"{status.st_size // 1048576} MB > {limits.file_bytes // 1048576} MB")
    except (OSError, ValueError):
        return rejected(Unreadable(name=shown), shown)
    except ParseRejected as error:
        return rejected(error, _printable(shown))
    return None


def _check_name(name: str) -> None:
    unsafe = not name or name in {".", ".."} or any(mark in name for mark in ("/", "\\", "\0", "\n", "\r"))
    try:
        size = len(name.encode())
    except UnicodeEncodeError as error:
        raise UnsafeName(name=_printable(name)) from error
    if unsafe or size > _LONGEST_NAME:
        raise UnsafeName(name=_printable(name))


def _printable(name: str) -> str:
    return "".join(character if character.isprintable() else "�" for character in name[:200])


def parse_in(
    child: Child, path: Path | str, *, name: str | None = None, limits: Limits, password: str | None = None
) -> ParseOutcome:
    """Parses with a given warm child, which is spent afterwards if the outcome's code says that it died."""
    shown = name if name is not None else Path(path).name
    started = time.monotonic()
    request = {"verb": "parse", "name": shown, "limits": limits.as_dict(), "password": password}
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return rejected(Unreadable(name=shown), shown)
    try:
        answer, _ = child.ask(request, descriptor, seconds=limits.seconds + _GRACE_SECONDS)
    except ChildDied as death:
        return rejected(
            death_error(death, shown), shown, seconds=time.monotonic() - started, confinement=child.confinement
        )
    finally:
        os.close(descriptor)
    return _outcome(answer, shown, time.monotonic() - started, child.confinement)


def death_error(death: ChildDied, name: str) -> ParseRejected:
    """The rejection for a child that was killed or died."""
    kinds: dict[str, type[ParseRejected]] = {"timeout": ParseTimeout, "out_of_memory": OutOfMemory}
    return kinds.get(death.code, Crashed)(name=name, detail=death.detail)


def rejected(
    error: ParseRejected, name: str, *, seconds: float = 0.0, peak: float = 0.0, confinement: list[str] | None = None
) -> ParseOutcome:
    """The outcome that tells ``error``."""
    return ParseOutcome(
        name=name,
        state="rejected",
        code=error.code,
        reason_zh=error.sentence("zh"),
        reason_en=error.sentence("en"),
        seconds=seconds,
        peak_memory_mb=peak,
        confinement=tuple(confinement or ()),
        retryable=error.retryable,
    )


def _outcome(answer: dict[str, Any], name: str, seconds: float, confinement: list[str]) -> ParseOutcome:
    peak = float(answer["peak_memory_mb"])
    if not answer["ok"]:
        return rejected(
            REJECTIONS[answer["code"]](**answer["params"]), name, seconds=seconds, peak=peak, confinement=confinement
        )
    document = ParsedDocument.from_dict(answer["document"])
    limit = next((flag for flag in _PARTIAL if flag in document.flags), None)
    zh, en = (sentence.format(pages=len(document.pages)) for sentence in _REASONS[limit]) if limit else ("", "")
    return ParseOutcome(
        name=name,
        state="partial" if limit else "ready",
        code=_PARTIAL[limit] if limit else "",
        reason_zh=zh,
        reason_en=en,
        flags=frozenset(document.flags),
        document=document,
        seconds=seconds,
        peak_memory_mb=peak,
        confinement=tuple(confinement),
    )
