"""What the console shows of the layer above it: the typed settings, the doctor, the names of the processes.

``config`` wires them; the console never imports it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SettingShown:
    """One setting in force. ``value`` of a secret says only whether it is set: never what it is, nor how long."""

    name: str
    value: str
    given: bool
    secret: bool


@dataclass
class Ports:
    """Filled once by ``config.wiring``."""

    settings: Callable[[], Sequence[SettingShown]]
    secrets: Callable[[], Sequence[str]]
    doctor: Callable[[Sequence[str] | None], Sequence[Mapping[str, Any]]]
    processes: tuple[str, ...]


_wired: list[Ports] = []


def wire(ports: Ports) -> None:
    """Connect; a second call replaces the first."""
    _wired[:] = [ports]


def ports() -> Ports:
    """What was wired. IndexError before Django is ready is a bug."""
    return _wired[0]
