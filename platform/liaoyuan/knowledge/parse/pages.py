"""Pictures of pages, drawn in the same confinement as parsing."""

import os
from pathlib import Path

from liaoyuan.knowledge.parse.errors import REJECTIONS, Unreadable
from liaoyuan.knowledge.parse.limits import Limits
from liaoyuan.knowledge.parse.process import Child, ChildDied
from liaoyuan.knowledge.parse.sandbox import death_error

_SECONDS = 60.0


def render_page(
    path: Path | str, page: int, scale: float = 1.5, *, limits: Limits | None = None, password: str | None = None
) -> bytes:
    """Page ``page`` (from 1) of a PDF as PNG at ``scale`` pixels per point. Raises a ParseRejected."""
    limits = limits or Limits(seconds=_SECONDS)
    name = Path(path).name
    request = {
        "verb": "render",
        "name": name,
        "limits": limits.as_dict(),
        "password": password,
        "page": page,
        "scale": scale,
    }
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise Unreadable(name=name) from error
    try:
        with Child(memory_mb=limits.memory_mb) as child:
            answer, picture = child.ask(request, descriptor, seconds=limits.seconds)
    except ChildDied as death:
        raise death_error(death, name) from death
    finally:
        os.close(descriptor)
    if not answer["ok"]:
        raise REJECTIONS[answer["code"]](**answer["params"])
    return picture
