"""The base of every command that works on the engines.

What of them this machine has to run is started before the command works, and a database that fails is told in a
sentence instead of a traceback. Commands know neither engines nor addresses: ``config.wiring`` says who does.
"""

import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, Protocol

import psycopg
from django.core.management.base import BaseCommand, CommandError, OutputWrapper
from django.db import Error

from liaoyuan.errors import LiaoyuanError

POSTGRES: Final = "postgres"
MODEL_SERVER: Final = "model_server"


class Engines(Protocol):
    """Who starts the engines of this machine."""

    def prepare(self, names: Collection[str], say: Callable[[str], object]) -> None:
        """Have ``names`` running and the tables up to date; those with an address of their own are left alone.

        ``say`` gets a line for what is started, nothing when all runs. Raises LiaoyuanError.
        """

    def fault(self, error: Exception) -> LiaoyuanError | None:
        """What a person reads in the place of a database's ``error``; None where it is a bug of ours."""


_wired: list[Engines] = []


def wire(engines: Engines) -> None:
    """Connect; a second call replaces the first."""
    _wired[:] = [engines]


class EngineCommand(BaseCommand):
    """A command that works on the engines: on PostgreSQL, or on what :meth:`engines_needed` says."""

    def engines_needed(self, options: Mapping[str, Any]) -> Collection[str]:
        """Which engines ``options`` will use; nothing is started for a verb that uses none."""
        return (POSTGRES,)

    def execute(self, *args: Any, **options: Any) -> str | None:
        # Django looks at `stderr` only in its own execute(), which ends with the command's work.
        told = OutputWrapper(options.get("stderr") or sys.stderr)
        try:
            self._prepare(self.engines_needed(options), told.write)
            return super().execute(*args, **options)
        except (Error, psycopg.Error) as error:
            fault = _wired[0].fault(error)
            if fault is None:
                raise
            raise _said(fault) from error

    def _prepare(self, names: Collection[str], say: Callable[[str], object]) -> None:
        if not names:
            return
        try:
            _wired[0].prepare(names, say)
        except LiaoyuanError as error:
            raise _said(error) from error


def _said(error: LiaoyuanError) -> CommandError:
    return CommandError(f"{error.code}: {error.sentence('zh')} {error.sentence('en')}")
