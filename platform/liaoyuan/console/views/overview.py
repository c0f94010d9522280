"""Why does anything wait: the first page of the console, and the fragment that keeps it live."""

from typing import Any

from django.http import HttpResponse

from liaoyuan.console.door import OperatorRequest, console_page, show
from liaoyuan.console.selectors import machine, queues, waits


@console_page()
def overview(request: OperatorRequest) -> HttpResponse:
    return show(request, "console/overview.html", _seen())


@console_page()
def overview_live(request: OperatorRequest) -> HttpResponse:
    return show(request, "console/overview_live.html", _seen())


@console_page()
def workers(request: OperatorRequest) -> HttpResponse:
    return show(request, "console/workers.html", _work())


@console_page()
def workers_live(request: OperatorRequest) -> HttpResponse:
    return show(request, "console/workers_live.html", _work())


def _seen() -> dict[str, Any]:
    lines = queues.queues()
    groups, newest = waits.failures()
    processes = queues.processes()
    return {
        "machine": machine.machine(),
        "engines": machine.engines(),
        "queues": lines,
        "waits": waits.wait_groups(lines),
        "failures": groups,
        "failed_runs": newest,
        "processes": processes,
        "supervised": any(process.known for process in processes),
        "beats": queues.beats(),
    }


def _work() -> dict[str, Any]:
    processes = queues.processes()
    return {
        "queues": queues.queues(),
        "workers": queues.workers(),
        "processes": processes,
        "supervised": any(process.known for process in processes),
        "beats": queues.beats(),
    }
