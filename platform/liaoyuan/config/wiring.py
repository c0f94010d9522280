"""Who serves whom: the one place where sibling stages meet."""

from liaoyuan.accounts import commands
from liaoyuan.compute.services import CostPort, ReservationPort
from liaoyuan.config.engines import EmbeddedEngines
from liaoyuan.config.processes import PROCESSES
from liaoyuan.config.shown import doctor_run, secrets_known, settings_shown
from liaoyuan.console import ports as console_ports
from liaoyuan.deployment.application import DeployedApplication
from liaoyuan.operations.services import TraceStore
from liaoyuan.pipeline.ports import wire
from liaoyuan.security.ports import GuardPort, PiiPort


def wire_all() -> None:
    """Connect the ports; called once, when Django has loaded the apps."""
    wire(
        guard=GuardPort(),
        pii=PiiPort(),
        traces=TraceStore(),
        application=DeployedApplication(),
        reservations=ReservationPort(),
        costs=CostPort(),
    )
    commands.wire(EmbeddedEngines())
    console_ports.wire(
        console_ports.Ports(
            settings=settings_shown, secrets=secrets_known, doctor=doctor_run, processes=("up", *PROCESSES)
        )
    )
