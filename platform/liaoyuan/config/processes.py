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
SETUP = "setup"
PROCESSES = (SETUP, "web", *BACKGROUND)
# A migration of a big table takes its time, and a cold start of the model server on a busy machine does too.
SETUP_SECONDS = 1800.0


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


def background_specs(names: Iterable[str] = BACKGROUND, *, after: tuple[str, ...] = ()) -> list[ProcessSpec]:
    """Workers, beat, relay and reaper; each waits for the engines of this machine, and for ``after``."""
    return [
        ProcessSpec(
            name=name,
            argv=(sys.executable, "-m", "workers", name),
            env=process_environment(),
            depends_on=(*engines_own(), *after),
            grace=30.0,
        )
        for name in names
    ]


def setup_spec() -> ProcessSpec:
    """Tables, secrets and the first operator, once, before anything asks for them."""
    return ProcessSpec(
        name=SETUP,
        argv=(sys.executable, str(ROOT / "manage.py"), "up", "--prepare"),
        env=process_environment(),
        depends_on=tuple(name for name in engines_own() if name == "postgres"),
        ready_timeout=SETUP_SECONDS,
        once=True,
    )


def web_spec(addresses: EngineAddresses, *, after: tuple[str, ...] = ()) -> ProcessSpec:
    """The web process on a loopback port; ready when it answers. Raises PortTaken."""
    port = addresses.web_port_claim(environment().port)
    uvicorn = (sys.executable, "-m", "uvicorn", "liaoyuan.config.asgi:application")
    options = ("--host", LOOPBACK, "--port", str(port), "--log-level", "warning", "--timeout-graceful-shutdown", "5")
    return ProcessSpec(
        name="web",
        argv=(*uvicorn, *options),
        env=process_environment(),
        ready=ReadyCheck(Probe.HTTP, target=f"http://{LOOPBACK}:{port}/health/live"),
        depends_on=(*(name for name in engines_own() if name != "model_server"), *after),
    )
