"""Whether this process can do its work: what it asks, and a sentence (zh, en) for each thing that does not answer.

The sentences name no address, since anybody may read them; the log holds the rest.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx
import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connections
from django.utils import timezone

from liaoyuan.api.limits import limits_work
from liaoyuan.pipeline.models import WorkerBeat

logger = logging.getLogger(__name__)
PATIENCE: Final = 2.0
# Three missed signs of life.
SILENT: Final = timedelta(seconds=30)
SENTENCES: Final[dict[str, tuple[str, str]]] = {
    "database": (
        "数据库没有应答。请运行 manage.py engines status。",
        "The database does not answer: see manage.py engines status.",
    ),
    "broker": (
        "消息队列没有应答；任务会被记录，待其恢复后执行。",
        "The broker does not answer; jobs are kept and run when it is back.",
    ),
    "model_server": (
        "模型服务没有应答，暂时无法提问。请运行 manage.py engines status。",
        "The model server does not answer, so nothing can be asked: see manage.py engines status.",
    ),
    "worker": (
        "没有正在运行的工作进程；任务会排队等待。请运行 make up。",
        "No worker is alive; jobs wait in the queue. Run make up.",
    ),
    "rate_limits": (
        "缓存服务没有应答，暂不限流；请求照常处理。",
        "The cache server does not answer, so nothing is rate limited; requests are served as usual.",
    ),
}
# What is missed but stops nobody from working.
OPTIONAL: Final = frozenset({"rate_limits"})


@dataclass(frozen=True)
class Check:
    """One thing that was asked; ``reason_zh`` and ``reason_en`` are empty when it is well.

    Without a ``required`` one the process is not ready.
    """

    name: str
    ok: bool
    reason_zh: str = ""
    reason_en: str = ""

    @property
    def required(self) -> bool:
        return self.name not in OPTIONAL

    def as_dict(self, language: str) -> dict[str, Any]:
        reason = self.reason_zh if language == "zh" else self.reason_en
        return {"name": self.name, "ok": self.ok, "required": self.required, "reason": reason}


def checks_run() -> list[Check]:
    """Ask the database, the broker, the model server and the workers, each at most two seconds."""
    asked: dict[str, Callable[[], bool]] = {
        "database": _database,
        "broker": _broker,
        "model_server": _model_server,
        "worker": _worker,
        "rate_limits": limits_work,
    }
    return [_check(name, ask) for name, ask in asked.items()]


def _check(name: str, ask: Callable[[], bool]) -> Check:
    try:
        ok = ask()
    except (DatabaseError, redis.RedisError, httpx.HTTPError, OSError) as error:
        logger.warning("readiness: %s failed: %s", name, error)
        ok = False
    zh, en = SENTENCES[name]
    return Check(name, ok, "" if ok else zh, "" if ok else en)


def _database() -> bool:
    """Both roles of the application: one serves requests, the other knows keys."""
    for alias in ("default", "system"):
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
    return True


def _broker() -> bool:
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE) as broker:
        return bool(broker.ping())


def _model_server() -> bool:
    # trust_env off: a proxy of the environment must never see a request to our own machine.
    with httpx.Client(timeout=PATIENCE, trust_env=False) as client:
        answer = client.get(
            f"{settings.MODEL_SERVER_URL}/health", headers={"Authorization": f"Bearer {settings.MODEL_SERVER_TOKEN}"}
        )
    return answer.is_success


def _worker() -> bool:
    # The relay, the reaper and the canary give signs of life as well, but serve no queue.
    return WorkerBeat.objects.filter(at__gt=timezone.now() - SILENT, slots__gt=0).exists()
