"""What a supervisor is told about one process; plain data, so that a detached supervisor can read it from a file."""

import signal
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Probe(StrEnum):
    """How a process shows that it is ready."""

    STARTED = "started"  # as soon as it runs
    COMMAND = "command"  # `argv` ends with 0
    PING = "ping"  # the Valkey at `target` (socket path) answers PONG
    HTTP = "http"  # a GET of `target` (URL) answers below 400


@dataclass(frozen=True)
class ReadyCheck:
    """A probe and what it needs."""

    probe: Probe = Probe.STARTED
    target: str = ""
    argv: tuple[str, ...] = ()


@dataclass(frozen=True)
class ProcessSpec:
    """One process to keep alive.

    ``prepare`` is a command that must succeed each time the process has become ready, before its dependants start.
    ``once``: it runs to its end; ready means that it ended with 0, and the supervisor gives up when it fails.
    ``stop_signal`` asks it to end; after ``grace`` seconds its whole process group is killed.
    """

    name: str
    argv: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    ready: ReadyCheck = field(default_factory=ReadyCheck)
    prepare: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    stop_signal: int = signal.SIGTERM
    ready_timeout: float = 60.0
    grace: float = 20.0
    once: bool = False

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form; :func:`spec_from_dict` reads it."""
        return asdict(self)


def spec_from_dict(value: dict[str, Any]) -> ProcessSpec:
    """The inverse of :meth:`ProcessSpec.as_dict`."""
    ready = value["ready"]
    check = ReadyCheck(probe=Probe(ready["probe"]), target=ready["target"], argv=tuple(ready["argv"]))
    tuples = {key: tuple(value[key]) for key in ("argv", "prepare", "depends_on")}
    return ProcessSpec(**{**value, **tuples, "ready": check})


def specs_ordered(specs: list[ProcessSpec]) -> list[ProcessSpec]:
    """Dependencies first, otherwise as given. ValueError for a repeated or unknown name and for a circle."""
    by_name = {spec.name: spec for spec in specs}
    if len(by_name) != len(specs):
        raise ValueError("two processes have the same name")
    ordered: dict[str, ProcessSpec] = {}

    def place(spec: ProcessSpec, above: tuple[str, ...]) -> None:
        if spec.name in above:
            raise ValueError(f"circular dependency: {' -> '.join((*above, spec.name))}")
        for name in spec.depends_on:
            if name not in by_name:
                raise ValueError(f"{spec.name} depends on the unknown process {name}")
            place(by_name[name], (*above, spec.name))
        ordered.setdefault(spec.name, spec)

    for spec in specs:
        place(spec, ())
    return list(ordered.values())
