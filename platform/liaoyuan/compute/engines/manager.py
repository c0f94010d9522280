"""The three embedded engines as one thing: up, down, status. Safe when several processes call it at once."""

import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from liaoyuan.compute.engines import detached, postgres, valkey
from liaoyuan.compute.engines.addresses import LOOPBACK, EngineAddresses
from liaoyuan.compute.engines.errors import EngineNotReady
from liaoyuan.compute.engines.locks import folder_private, locked
from liaoyuan.compute.engines.specs import Probe, ProcessSpec, ReadyCheck

ENGINES = ("postgres", "valkey", "model_server")
UP_SECONDS = 120.0


@dataclass(frozen=True)
class EngineState:
    """One engine as `engines status` shows it; ``address`` is a socket path or a URL."""

    name: str
    running: bool
    pid: int | None
    address: str
    detail: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def engine_specs(addresses: EngineAddresses, only: Iterable[str] | None = None) -> list[ProcessSpec]:
    """Specs of the engines, for a supervisor. Claims the model server's port, so call it only before a start."""
    makers: dict[str, Callable[[EngineAddresses], ProcessSpec]] = {
        "postgres": _postgres_spec,
        "valkey": _valkey_spec,
        "model_server": _model_server_spec,
    }
    return [makers[name](addresses) for name in _chosen(only)]


def specs_with_engines(addresses: EngineAddresses, specs: Iterable[ProcessSpec]) -> list[ProcessSpec]:
    """``specs`` and before them the engines that do not run yet: what one foreground supervisor has to keep.

    A process may name any engine in ``depends_on``; one that already runs in the background is left there.
    """
    running = {state.name for state in engines_status(addresses) if state.running}
    engines = engine_specs(addresses, only=[name for name in ENGINES if name not in running])
    own = [replace(spec, depends_on=tuple(n for n in spec.depends_on if n not in running)) for spec in specs]
    return [*engines, *own]


def engines_up(
    addresses: EngineAddresses, only: Iterable[str] | None = None, *, timeout: float = UP_SECONDS
) -> list[EngineState]:
    """Start what does not run, each under a supervisor in the background, and wait until it is ready.

    Afterwards PostgreSQL has its roles and database. What already runs, also under `make up`, is left as it is.
    Raises EngineError.
    """
    chosen = _chosen(only)
    for folder in (addresses.var, addresses.run, addresses.log):
        folder_private(folder)
    with locked(addresses.run / "engines.lock", timeout=timeout):
        idle = [name for name in chosen if not _runs(name, addresses)]
        started = {name: _start(name, addresses) for name in idle}
        try:
            _wait(chosen, started, addresses, timeout)
        except EngineNotReady:
            detached.stop(idle, run=addresses.run, log=addresses.log)
            raise
    return engines_status(addresses, only=chosen)


def engines_down(addresses: EngineAddresses, only: Iterable[str] | None = None) -> list[EngineState]:
    """Stop the engines, the model server first. One that runs under `make up` takes that whole supervisor down."""
    chosen = _chosen(only)
    folder_private(addresses.run)
    with locked(addresses.run / "engines.lock"):
        detached.stop(list(reversed(chosen)), run=addresses.run, log=addresses.log)
        # Started without a supervisor (by start()), or left over.
        if "valkey" in chosen:
            valkey.stop(addresses)
        if "postgres" in chosen:
            postgres.stop(addresses)
    return engines_status(addresses, only=chosen)


def engines_status(addresses: EngineAddresses, only: Iterable[str] | None = None) -> list[EngineState]:
    """What runs now; starts nothing."""
    return [_state(name, addresses) for name in _chosen(only)]


def _chosen(only: Iterable[str] | None) -> tuple[str, ...]:
    wanted = set(ENGINES if only is None else only)
    unknown = wanted - set(ENGINES)
    if unknown:
        raise ValueError(f"unknown engines {sorted(unknown)}; known: {', '.join(ENGINES)}")
    return tuple(name for name in ENGINES if name in wanted)


def _runs(name: str, addresses: EngineAddresses) -> bool:
    found = _state(name, addresses)
    return found.running or _supervised(name, addresses)


def _supervised(name: str, addresses: EngineAddresses) -> bool:
    return detached.status(name, run=addresses.run).supervisor is not None


def _wait(chosen: Iterable[str], started: dict[str, int], addresses: EngineAddresses, timeout: float) -> None:
    for name in chosen:
        if _supervised(name, addresses) or name in started:
            supervisor = started.get(name)
            detached.wait_ready(name, run=addresses.run, log=addresses.log, supervisor=supervisor, timeout=timeout)
        elif name == "postgres":
            postgres.ensure_roles(addresses)


def _start(name: str, addresses: EngineAddresses) -> int:
    specs = engine_specs(addresses, only=[name])
    return detached.start_detached(specs, run=addresses.run, log=addresses.log)


def _state(name: str, addresses: EngineAddresses) -> EngineState:
    found = detached.status(name, run=addresses.run)
    where = {"postgres": str(addresses.sockets), "valkey": str(addresses.valkey_socket)}
    address = where.get(name, addresses.model_server_url)
    if found.supervisor is None:
        alone = {"postgres": postgres.pid, "valkey": valkey.pid}.get(name)
        pid = alone(addresses) if alone else None
        return EngineState(name, pid is not None, pid, address, "unsupervised" if pid else "not running")
    return EngineState(name, found.ready, found.pid, address, found.detail)


def _postgres_spec(addresses: EngineAddresses) -> ProcessSpec:
    module = (sys.executable, "-m", "liaoyuan.compute.engines.postgres")
    return ProcessSpec(
        name="postgres",
        argv=(*module, "serve", str(addresses.var)),
        env={"PYTHONPATH": detached.python_environment()["PYTHONPATH"]},
        ready=ReadyCheck(Probe.COMMAND, argv=tuple(postgres.ready_argv(addresses))),
        prepare=(*module, "ready", str(addresses.var)),
        stop_signal=signal.SIGINT,
    )


def _valkey_spec(addresses: EngineAddresses) -> ProcessSpec:
    valkey.prepare(addresses)
    return ProcessSpec(
        name="valkey",
        argv=tuple(valkey.serve_argv(addresses)),
        ready=ReadyCheck(Probe.PING, target=str(addresses.valkey_socket)),
    )


def _model_server_spec(addresses: EngineAddresses) -> ProcessSpec:
    port = addresses.model_server_port_claim()
    argv = (sys.executable, "-m", "liaoyuan.deployment.serving", "--host", LOOPBACK, "--port", str(port))
    files = ("--token-file", str(addresses.model_server_token_file), "--adapters-file", str(addresses.adapters_file))
    copies = ("--halves-folder", str(addresses.var / "models" / "halves"))
    return ProcessSpec(
        name="model_server",
        argv=argv + files + copies,
        env={"PYTHONPATH": detached.python_environment()["PYTHONPATH"]},
        ready=ReadyCheck(Probe.HTTP, target=f"http://{LOOPBACK}:{port}/health"),
    )
