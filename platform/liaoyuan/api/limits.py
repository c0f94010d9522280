"""How fast one caller may ask: a token bucket for each caller and class of work, exact under concurrency.

The buckets live in the cache server, moved on by one script there, so that many processes count as one. Without the
cache server nobody is refused: work must go on, a metric counts it and ``/health/ready`` says so.
"""

import logging
import math
import time
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

import redis
from django.conf import settings
from prometheus_client import Counter

from liaoyuan.accounts.keys import key_split
from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.resolver import BEARER
from liaoyuan.errors import LiaoyuanError

logger = logging.getLogger(__name__)
Class = Literal["read", "write", "ask", "open"]
CLASSES: Final[tuple[Class, ...]] = ("read", "write", "ask", "open")
MINUTE: Final = 60.0
PATIENCE: Final = 0.25
# A cache server that is away is not asked again at once: every request would wait for it.
REST_SECONDS: Final = 2.0
UNLIMITED = Counter("liaoyuan_api_unlimited", "Requests that were let through because no rate limit could be asked.")
REFUSED = Counter("liaoyuan_api_rate_limited", "Requests refused by a rate limit.", ["limit"])

# The server's own clock: processes on two machines must not disagree. Whole tokens are taken, fractions come back.
BUCKET: Final = """
local capacity, per_second = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(kept[1]) or capacity, tonumber(kept[2]) or now
tokens = math.min(capacity, tokens + math.max(0, now - at) * per_second)
local taken = 0
if tokens >= 1 then tokens = tokens - 1; taken = 1 end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(capacity / per_second * 1000) + 1000)
return {taken, string.format('%.6f', tokens)}
"""


class RateLimited(LiaoyuanError):
    code = "rate_limited"
    zh = "请求过于频繁（每分钟最多 {limit} 次）。请在 {seconds} 秒后重试。"
    en = "Too many requests (at most {limit} a minute). Try again in {seconds} s."
    retryable = True
    status = 429


@dataclass(frozen=True)
class Allowance:
    """What is left of one bucket: whole requests, and the seconds until it is full (or, refused, until the next)."""

    limit: int
    remaining: int
    reset: int
    allowed: bool = True

    def headers(self) -> dict[str, str]:
        """The three ``RateLimit-*`` headers, and ``Retry-After`` for who was refused."""
        found = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }
        return found if self.allowed else found | {"Retry-After": str(self.reset)}


def allowance(limit: Class, caller: str) -> Allowance | None:
    """Take one request of ``caller`` from its bucket; None where this class has no limit or nobody can be asked."""
    per_minute: int = settings.API_LIMITS[limit]
    if per_minute <= 0:
        return None
    found = _bucket().take(f"liaoyuan:limit:{limit}:{caller}", per_minute)
    if found is None:
        UNLIMITED.inc()
        return None
    taken, tokens = found
    per_second = per_minute / MINUTE
    missing = (per_minute - tokens) if taken else (1 - tokens)
    result = Allowance(per_minute, int(tokens), max(math.ceil(missing / per_second), 1), taken)
    if not taken:
        REFUSED.labels(limit).inc()
    return result


def bucket_name(principal: Principal, authorization: str) -> str:
    """Each key has a bucket of its own, and so has each signed-in person in each organization."""
    parts = key_split(authorization[len(BEARER) :])
    who = f"key:{parts.prefix}" if parts else f"user:{principal.user_id}"
    return f"{principal.organization_id}:{who}"


def limits_work() -> bool:
    """Whether the cache server can be asked now; for the health page."""
    return bool(_bucket().client.ping())


class _Bucket:
    """The connection to the cache server, and how long to leave it alone after it failed."""

    def __init__(self, url: str) -> None:
        self.client: Any = redis.Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)
        self._script = self.client.register_script(BUCKET)
        self._asleep_until = 0.0

    def take(self, key: str, per_minute: int) -> tuple[bool, float] | None:
        if time.monotonic() < self._asleep_until:
            return None
        try:
            taken, tokens = self._script(keys=[key], args=[per_minute, per_minute / MINUTE])
        except (redis.RedisError, OSError) as error:
            self._asleep_until = time.monotonic() + REST_SECONDS
            logger.warning("rate limits cannot be asked: %s", error)
            return None
        return bool(taken), float(tokens)


def _bucket() -> _Bucket:
    return _bucket_at(str(settings.CACHES["default"]["LOCATION"]))


@cache
def _bucket_at(url: str) -> _Bucket:
    return _Bucket(url)
