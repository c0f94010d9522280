"""Every process of the platform on one machine, for the supervisor behind ``make up`` and ``make demo``."""

import sys
from collections.abc import Iterable

from django.conf import settings

from liaoyuan.compute.engines.addresses import LOOPBACK, EngineAddresses
from liaoyuan.compute.engines.detached import python_environment
from liaoyuan.compute.engines.manager import ENGINES
from liaoyuan.compute.engines.specs import Probe, ProcessSpec, ReadyCheck
from liaoyuan.config.environment import ROOT, environment

BACKGROUND = ("worker-light", "worker-train", "beat", "relay", "reaper")


def engines_own() -> tuple[str, ...]:
    """The engines that this machine has to start: those for which the operator gave no address."""
    given = environment()
    configured = {
        "postgres": given.database_url,
        "valkey": given.redis_url,
        "model_server": given.model_server_url,
    }
    return tuple(name for name in ENGINES if not configured[name])


def process_environment() -> dict[str, str]:
    """``PYTHONPATH`` with source root and tree, and the settings module: enough for any of our processes."""
    path = python_environment()["PYTHONPATH"]
    return {
        "PYTHONPATH": f"{path}:{ROOT}",
        "DJANGO_SETTINGS_MODULE": "liaoyuan.config.settings",
        "LIAOYUAN_VAR": str(settings.VAR),
    }


def background_specs(names: Iterable[str] = BACKGROUND) -> list[ProcessSpec]:
    """Workers, beat, relay and reaper; each waits for the engines of this machine."""
    return [
        ProcessSpec(
            name=name,
            argv=(sys.executable, "-m", "workers", name),
            env=process_environment(),
            depends_on=engines_own(),
            grace=30.0,
        )
        for name in names
    ]


def web_spec(addresses: EngineAddresses) -> ProcessSpec:
    """The web process on a loopback port; ready when it answers."""
    port = addresses.web_port_claim()
    uvicorn = (sys.executable, "-m", "uvicorn", "liaoyuan.config.asgi:application")
    options = ("--host", LOOPBACK, "--port", str(port), "--log-level", "warning", "--timeout-graceful-shutdown", "5")
    return ProcessSpec(
        name="web",
        argv=(*uvicorn, *options),
        env=process_environment(),
        ready=ReadyCheck(Probe.HTTP, target=f"http://{LOOPBACK}:{port}/health/live"),
        depends_on=engines_own(),
    )
