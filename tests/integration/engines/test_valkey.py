"""The embedded Valkey: a broker that forgets nothing and evicts nothing."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from liaoyuan.compute.engines import valkey
from liaoyuan.compute.engines.addresses import EngineAddresses
from liaoyuan.compute.engines.manager import engines_down, engines_up, specs_with_engines
from liaoyuan.compute.engines.specs import ProcessSpec

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def broker(addresses: EngineAddresses) -> "redis.Redis":
    return redis.Redis.from_url(addresses.redis_url, decode_responses=True)


def test_queued_messages_survive_a_restart(addresses: EngineAddresses, broker: "redis.Redis") -> None:
    broker.rpush("queue", "first", "second")

    engines_down(addresses, only=["valkey"])
    assert not valkey.running(addresses)
    engines_up(addresses, only=["valkey"])

    assert broker.lrange("queue", 0, -1) == ["first", "second"]


@pytest.mark.parametrize(
    ("setting", "value"),
    [("maxmemory-policy", "noeviction"), ("appendonly", "yes"), ("appendfsync", "everysec"), ("port", "0")],
)
def test_it_is_set_up_as_a_broker(broker: "redis.Redis", setting: str, value: str) -> None:
    assert broker.config_get(setting) == {setting: value}


def test_emptying_the_cache_leaves_the_broker(addresses: EngineAddresses, broker: "redis.Redis") -> None:
    cache = redis.Redis.from_url(addresses.cache_url, decode_responses=True)
    broker.set("message", "1")
    cache.set("page", "2")

    cache.flushdb()

    assert (broker.get("message"), cache.get("page")) == ("1", None)


def test_two_starts_at_once_end_in_one_server(addresses: EngineAddresses) -> None:
    engines_down(addresses, only=["valkey"])

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: engines_up(addresses, only=["valkey"])[0].pid, range(2)))

    assert found[0] is not None
    assert found[0] == found[1] == valkey.pid(addresses)


def test_a_foreground_supervisor_leaves_running_engines_where_they_are(addresses: EngineAddresses) -> None:
    web = ProcessSpec("web", ("true",), depends_on=("postgres", "valkey", "model_server"))

    specs = specs_with_engines(addresses, [web])

    assert [(spec.name, spec.depends_on) for spec in specs] == [("model_server", ()), ("web", ("model_server",))]


def test_the_command_shows_the_engines_without_a_database(addresses: EngineAddresses) -> None:
    manage = [sys.executable, str(ROOT / "manage.py"), "engines", "status", "--json"]
    done = subprocess.run(
        manage,
        env={"LIAOYUAN_VAR": str(addresses.var), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    engines = {engine["name"]: engine for engine in json.loads(done.stdout.splitlines()[-1])["engines"]}
    assert engines["valkey"]["running"]
    assert engines["valkey"]["pid"] == valkey.pid(addresses)
    assert not engines["model_server"]["running"]
