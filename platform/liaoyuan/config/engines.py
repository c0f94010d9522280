"""The embedded engines, made ready for one command: started where they do not run, with their tables up to date."""

import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import psycopg
from django.apps import apps
from django.conf import settings
from django.db import InterfaceError, OperationalError, connections
from django.db.migrations.recorder import MigrationRecorder

from liaoyuan.accounts.commands import MODEL_SERVER, POSTGRES
from liaoyuan.compute.engines import detached
from liaoyuan.compute.engines.addresses import EngineAddresses, engine_addresses
from liaoyuan.compute.engines.manager import engines_status, engines_up
from liaoyuan.config.database import migrate
from liaoyuan.config.processes import engines_own
from liaoyuan.config.running import up_found
from liaoyuan.errors import LiaoyuanError

NAMES = {POSTGRES: ("PostgreSQL", "PostgreSQL"), MODEL_SERVER: ("模型服务", "the model server")}
STARTS = "正在后台启动：{zh}（停止：make down）。 Starting {en} in the background (to stop: make down)."
TABLES = "正在更新数据表。 Bringing the tables up to date."
LONGEST_DETAIL = 300
# Between its claim of the folder and its locks on the engines, `make up` looks for leftovers.
UP_BEGINS_SECONDS = 10.0
POLL_SECONDS = 0.1


class EnginesBusy(LiaoyuanError):
    code = "engines_busy"
    zh = "另一个进程正在启动引擎，等待已超时（{detail}）。请稍后再试；若仍如此，执行 manage.py doctor。"
    en = (
        "Another process is starting the engines, and it took too long ({detail}). Try again in a while; if it stays "
        "so, run manage.py doctor."
    )
    retryable = True
    status = 503


class EmbeddedDatabaseAway(LiaoyuanError):
    code = "embedded_database_away"
    zh = "本机的数据库没有响应，或中断了操作：{detail}。请再试一次；若仍如此，执行 manage.py doctor，日志在 {log}。"
    en = (
        "The database of this machine does not answer, or broke off the work: {detail}. Try again; if it stays so, run "
        "manage.py doctor; its log is {log}."
    )
    retryable = True
    status = 503


class ConfiguredDatabaseAway(LiaoyuanError):
    """Never another database in its place."""

    code = "configured_database_away"
    zh = (
        "设置中给出的数据库没有响应，或中断了操作：{detail}。请确认它在运行，并检查 LIAOYUAN_DATABASE_URL、"
        "LIAOYUAN_DATABASE_SYSTEM_URL、LIAOYUAN_DATABASE_OWNER_URL；不会改用内置数据库。"
    )
    en = (
        "The database in the settings does not answer, or broke off the work: {detail}. See that it runs, and check "
        "LIAOYUAN_DATABASE_URL, LIAOYUAN_DATABASE_SYSTEM_URL and LIAOYUAN_DATABASE_OWNER_URL; the embedded one is "
        "never used in its place."
    )
    retryable = True
    status = 503


class TablesBehind(LiaoyuanError):
    code = "tables_behind"
    zh = "数据库中的表缺失或版本较旧：{detail}。请执行 manage.py migrate。"
    en = "The database lacks tables, or has those of an older version: {detail}. Run manage.py migrate."
    status = 503


class EmbeddedEngines:
    """Serves :class:`liaoyuan.accounts.commands.Engines`."""

    def prepare(self, names: Collection[str], say: Callable[[str], object]) -> None:
        """Start those of ``names`` that are this machine's and do not run; then the tables. Raises LiaoyuanError."""
        own = [name for name in engines_own() if name in names]
        addresses = engine_addresses(settings.VAR)
        if not own or _pointed_elsewhere(addresses):
            return
        try:
            _start(own, addresses, say)
            if POSTGRES in own and tables_behind():
                say(TABLES)
                migrate()
        except TimeoutError as error:
            raise EnginesBusy(detail=str(error)) from error

    def fault(self, error: Exception) -> LiaoyuanError | None:
        """A sentence for a database that is away or behind; None for every other error."""
        cause = error.__cause__ if isinstance(error.__cause__, psycopg.Error) else error
        if isinstance(cause, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn):
            return TablesBehind(detail=_reason(error))
        if not isinstance(error, OperationalError | InterfaceError | psycopg.OperationalError | psycopg.InterfaceError):
            return None
        if POSTGRES in engines_own():
            return EmbeddedDatabaseAway(detail=_reason(error), log=engine_addresses(settings.VAR).log / "postgres.log")
        return ConfiguredDatabaseAway(detail=_reason(error))


def _start(names: Sequence[str], addresses: EngineAddresses, say: Callable[[str], object]) -> None:
    idle = [state.name for state in engines_status(addresses, names) if not state.running]
    if idle:
        zh, en = ([NAMES[name][language] for name in idle] for language in (0, 1))
        say(STARTS.format(zh="、".join(zh), en=" and ".join(en)))
        _give_way(idle, addresses)
        engines_up(addresses, names)
    if MODEL_SERVER in names:
        # Settings were read before the start, and the port moves when another program has taken it.
        settings.MODEL_SERVER_URL = addresses.model_server_url


def _give_way(names: Sequence[str], addresses: EngineAddresses) -> None:
    """A `make up` that has just begun brings its engines itself: two supervisors of one engine refuse each other."""
    deadline = time.monotonic() + UP_BEGINS_SECONDS
    while up_found(addresses) and time.monotonic() < deadline:
        if all(detached.status(name, run=addresses.run).supervisor is not None for name in names):
            return
        time.sleep(POLL_SECONDS)


def _reason(error: Exception) -> str:
    """libpq's own words, without its hints and without the statement."""
    lines = [line for line in str(error).splitlines() if not line.startswith(("\t", " ", "LINE "))]
    return " ".join(lines)[:LONGEST_DETAIL].rstrip(" .")


def _pointed_elsewhere(addresses: EngineAddresses) -> bool:
    """Whether somebody pointed this very process at another database than the machine's, as tests do: that one also
    looks after the engines."""
    if POSTGRES not in engines_own():
        return False
    wanted = addresses.database("liaoyuan_app")
    return {key: connections.settings["default"][key] for key in wanted} != wanted


def tables_behind() -> bool:
    """Whether a migration on the disk was not applied. Reads names alone: Django's own look imports every migration,
    which takes longer than most commands."""
    applied = MigrationRecorder(connections["default"]).applied_migrations()
    return any(
        (app.label, file.stem) not in applied
        for app in apps.get_app_configs()
        for file in (Path(app.path) / "migrations").glob("[!_]*.py")
    )
