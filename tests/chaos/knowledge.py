"""Real knowledge jobs for workers that die at a named point: what is brought, what runs, and how they are killed."""

import importlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

# "module:function:n": the worker is killed when one of its children comes to the n-th call of the function;
# "module:function:n:after" when that call has returned. Only once: the file below remembers it.
DIE: Final = "LIAOYUAN_CHAOS_DIE"
DEAD: Final = "LIAOYUAN_CHAOS_DEAD"
# Real stages instead of scripted ones, and slices of so many seconds.
REAL: Final = "LIAOYUAN_CHAOS_REAL"
# Where a source may lie.
FOLDERS: Final = "LIAOYUAN_CHAOS_FOLDERS"


def real_stages() -> None:
    """Keep the stages that Django registered; a slice is short, so that tests need not wait for turns."""
    from functools import partial

    from django.conf import settings

    from liaoyuan.knowledge import stage
    from liaoyuan.knowledge.shadow import stage as shadow
    from liaoyuan.knowledge.sources import syncing
    from liaoyuan.knowledge.waiting.slices import Slices

    settings.EMBEDDINGS = "process"
    settings.SOURCE_FOLDERS = [("*", os.environ[FOLDERS])] if FOLDERS in os.environ else []
    seconds = float(os.environ[REAL])
    setattr(stage, "Slices", partial(Slices, seconds=seconds))  # noqa: B010 - another type on purpose
    setattr(shadow, "SLICE_SECONDS", seconds)  # noqa: B010 - a constant elsewhere
    setattr(syncing, "SLICE_SECONDS", seconds)  # noqa: B010 - likewise


def die_where_told() -> None:
    """Arm the point that the environment names, if any."""
    told = os.environ.get(DIE)
    if not told:
        return
    module, name, count, *after = told.split(":")
    home = importlib.import_module(module)
    owner, _, attribute = name.rpartition(".")
    target: Any = getattr(home, owner) if owner else home
    setattr(target, attribute, _deadly(getattr(target, attribute), int(count), bool(after)))


def _deadly(real: Callable[..., Any], count: int, after: bool) -> Callable[..., Any]:
    calls = 0

    def called(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == count and not after:
            die()
        found = real(*arguments, **named)
        if calls == count and after:
            die()
        return found

    return called


def die() -> None:
    """The whole worker, parent and children, as by ``kill -9`` or the kernel's out-of-memory killer; once."""
    mark = Path(os.environ[DEAD])
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return
    os.killpg(os.getpgrp(), signal.SIGKILL)
