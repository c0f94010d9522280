"""``python -m tests.chaos.process worker|relay|reaper …``: the real process, in the test database.

Stages are scripted, or with ``LIAOYUAN_CHAOS_REAL`` the knowledge layer's own.
"""

import ctypes
import os
import runpy
import signal
import sys

import django

from liaoyuan.compute.engines.process import PR_SET_PDEATHSIG
from tests.engines import database_use


def main() -> None:
    # A test run that is itself killed closes no house: its workers would go on for ever in a database that is gone.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    role, *options = sys.argv[1:]
    django.setup()
    database_use(os.environ["LIAOYUAN_TEST_DATABASE"])
    from liaoyuan.pipeline import ports
    from tests.chaos.knowledge import REAL, die_where_told, real_stages
    from tests.stages import Released, scripted_stages_register

    if REAL in os.environ:
        real_stages()
        die_where_told()
    else:
        scripted_stages_register()
    ports.wire(reservations=Released())
    if role == "worker":
        from workers.app import app

        app.worker_main(options)
    else:
        runpy.run_module(f"workers.{role}", run_name="__main__")


if __name__ == "__main__":
    main()
