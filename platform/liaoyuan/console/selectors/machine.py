"""The machine and the engines on it: what answers, how full it is, how fast it fills."""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import psutil
import redis
from django.conf import settings
from django.core.cache import cache
from django.db import Error as DatabaseError
from django.db import connections
from django.utils.translation import gettext as _

from liaoyuan.errors import LiaoyuanError
from liaoyuan.pipeline.adapters.model_server import ModelServerClient

PATIENCE: Final = 2.0
DISK_KEY: Final = "console:disk"
DISK_EVERY: Final = 300.0
DISK_KEPT: Final = 7 * 86_400.0
DAY: Final = 86_400.0
# Below this a growth would be a guess from noise.
DISK_SPAN_LEAST: Final = 3600.0
DISK_FULL_SOON: Final = 0.9
GIB: Final = float(1 << 30)


@dataclass(frozen=True)
class Engine:
    """One engine: ``ok``, a line of facts, and what to do when it does not answer."""

    name: str
    ok: bool
    facts: str
    mend: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Machine:
    """Bytes, shares (0..1) and load of this machine; ``disk_per_day`` None until an hour was watched."""

    disk_free: int
    disk_total: int
    disk_per_day: float | None
    memory_used: int
    memory_total: int
    load: tuple[float, float, float]
    cores: int

    @property
    def disk_share(self) -> float:
        return 1 - self.disk_free / self.disk_total

    @property
    def memory_share(self) -> float:
        return self.memory_used / self.memory_total

    @property
    def days_left(self) -> float | None:
        """Days until the disk is full at today's pace; None where it does not fill, or nobody knows."""
        return self.disk_free / self.disk_per_day if self.disk_per_day and self.disk_per_day > 0 else None

    @property
    def disk_low(self) -> bool:
        return self.disk_share > DISK_FULL_SOON or (self.days_left is not None and self.days_left < 7)


def machine() -> Machine:
    """What this machine has and uses right now."""
    disk, memory = shutil.disk_usage(_existing(Path(settings.VAR))), psutil.virtual_memory()
    return Machine(
        disk_free=disk.free,
        disk_total=disk.total,
        disk_per_day=disk_growth(used=disk.used),
        memory_used=memory.total - memory.available,
        memory_total=memory.total,
        load=os.getloadavg(),
        cores=len(os.sched_getaffinity(0)),
    )


def disk_growth(*, used: int, now: float | None = None) -> float | None:
    """Bytes a day by which the disk filled over the last week; notes a sample every five minutes.

    None with less than an hour of samples, and while the cache is away.
    """
    now = time.time() if now is None else now
    try:
        samples: list[tuple[float, int]] = cache.get(DISK_KEY) or []
        samples = [sample for sample in samples if now - sample[0] < DISK_KEPT]
        if not samples or now - samples[-1][0] >= DISK_EVERY:
            samples.append((now, used))
            cache.set(DISK_KEY, samples[-2100:], timeout=None)
    except redis.RedisError:
        return None
    first = samples[0]
    span = now - first[0]
    return (used - first[1]) / span * DAY if span >= DISK_SPAN_LEAST else None


def engines() -> list[Engine]:
    """PostgreSQL, Valkey and the model server, each asked for at most two seconds."""
    up = "manage.py engines up"
    return [
        _asked("PostgreSQL", _postgres, up),
        _asked("Valkey", _valkey, up),
        _asked(_("Model server"), _model_server, f"{up} --only model_server"),
    ]


def _asked(name: str, ask: Callable[[], tuple[str, dict[str, Any]]], mend: str) -> Engine:
    try:
        facts, numbers = ask()
    except (DatabaseError, redis.RedisError, httpx.HTTPError, LiaoyuanError, OSError) as error:
        return Engine(name, ok=False, facts=_("does not answer ({kind})").format(kind=type(error).__name__), mend=mend)
    return Engine(name, ok=True, facts=facts, numbers=numbers)


POSTGRES = """
SELECT current_setting('server_version'), pg_database_size(current_database()), current_setting('max_connections')::int,
       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database())
"""


def _postgres() -> tuple[str, dict[str, Any]]:
    with connections["system"].cursor() as cursor:
        cursor.execute(POSTGRES)
        version, size, most, used = cursor.fetchone()
    facts = _("{version} · {size} · {used} of {most} connections")
    return (
        facts.format(version=version.split(" ")[0], size=bytes_text(size), used=used, most=most),
        {"version": version, "bytes": size, "connections": used, "connections_most": most},
    )


def _valkey() -> tuple[str, dict[str, Any]]:
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE) as broker:
        info: dict[str, Any] = broker.info()
    version = str(info.get("valkey_version") or info.get("redis_version"))
    used, most = int(info["used_memory"]), int(info.get("maxmemory", 0))
    full = _("of {most}").format(most=bytes_text(most)) if most else ""
    evicted = int(info.get("evicted_keys", 0))
    facts = f"{version} · {bytes_text(used)} {full}".rstrip()
    if evicted:
        facts += " · " + _("{n} keys evicted").format(n=evicted)
    return facts, {"version": version, "bytes": used, "bytes_most": most, "evicted": evicted}


def _model_server() -> tuple[str, dict[str, Any]]:
    patience = httpx.Timeout(PATIENCE)
    with ModelServerClient(settings.MODEL_SERVER_URL, settings.MODEL_SERVER_TOKEN, tries=1, timeout=patience) as client:
        health = client.health()
    facts = _("{base} · adapters: {n} · slots: {slots}")
    adapters = len(health.get("adapters") or [])
    return facts.format(base=health.get("base", "?"), n=adapters, slots=health.get("slots", "?")), health


def bytes_text(size: float) -> str:
    """Bytes for people, in binary units."""
    for unit in ("B", "KiB", "MiB"):
        if abs(size) < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
