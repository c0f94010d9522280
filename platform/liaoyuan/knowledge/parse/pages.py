"""What else is done to a file in the confinement of parsing: a page is drawn, a password is taken off."""

import os
from pathlib import Path
from typing import Any

from liaoyuan.knowledge.parse.errors import REJECTIONS, Unreadable
from liaoyuan.knowledge.parse.limits import Limits
from liaoyuan.knowledge.parse.process import Child, ChildDied
from liaoyuan.knowledge.parse.sandbox import death_error

_SECONDS = 60.0


def render_page(
    path: Path | str, page: int, scale: float = 1.5, *, limits: Limits | None = None, password: str | None = None
) -> bytes:
    """Page ``page`` (from 1) of a PDF as PNG at ``scale`` pixels per point. Raises a ParseRejected."""
    wanted = {"verb": "render", "password": password, "page": page, "scale": scale}
    return _asked(path, Path(path).name, wanted, limits or Limits(seconds=_SECONDS))


def unlock_file(path: Path | str, password: str, *, name: str | None = None, limits: Limits | None = None) -> bytes:
    """The file at ``path`` without its password, opened in the confinement. Raises PasswordWrong or a ParseRejected."""
    wanted = {"verb": "unlock", "password": password}
    return _asked(path, name or Path(path).name, wanted, limits or Limits(seconds=_SECONDS))


def _asked(path: Path | str, name: str, wanted: dict[str, Any], limits: Limits) -> bytes:
    """The bytes that a child of its own gives back for ``wanted``."""
    request = {**wanted, "name": name, "limits": limits.as_dict()}
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise Unreadable(name=name) from error
    try:
        with Child(memory_mb=limits.memory_mb) as child:
            answer, found = child.ask(request, descriptor, seconds=limits.seconds)
    except ChildDied as death:
        raise death_error(death, name) from death
    finally:
        os.close(descriptor)
    if not answer["ok"]:
        raise REJECTIONS[answer["code"]](**answer["params"])
    return found
