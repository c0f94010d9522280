"""A pytest plugin: which tests stay together when several processes run them, and which begin first.

Loaded by ``-p tests.distribution``; works with ``--dist loadfile``. One file is one share: what its module fixtures set
up (documents read, a browser, a model server) is set up once, not once in each process. A folder of ``WHOLE`` is one
share as a whole. Shares that take long begin first, so that at the end no process waits for another for long.

pytest-xdist's own ``loadgroup`` is not used: it writes group names into the tests' ids, which pytest ≥ 9.1 no longer
reads (pytest-xdist issue 1386), and then silently groups nothing.
"""

from collections import OrderedDict
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

WHOLE = (
    "tests/chaos/",  # one house of processes: two would starve each other
    "tests/integration/serving/",  # one model server for the session
)
# Seconds a test, roughly, for the order only: measured on two cores, most telling prefix first.
SECONDS = (("tests/chaos/", 8.0), ("tests/browser/", 6.0), ("tests/integration/", 0.5), ("", 0.1))


def share_of(nodeid: str) -> str:
    """The share that a test belongs to: a folder of ``WHOLE``, else its file."""
    path = nodeid.split("::", 1)[0]
    return next((folder for folder in WHOLE if path.startswith(folder)), path)


def seconds_of(nodeid: str) -> float:
    """A guess at what the test takes."""
    return next(seconds for prefix, seconds in SECONDS if nodeid.startswith(prefix))


def longest_first(shares: dict[str, dict[str, bool]]) -> "OrderedDict[str, dict[str, bool]]":
    """The same shares; what is likely to take longest comes first."""
    return OrderedDict(sorted(shares.items(), key=lambda share: -sum(map(seconds_of, share[1]))))


class Shares(LoadFileScheduling):
    """Hands out shares, the longest first."""

    def _split_scope(self, nodeid: str) -> str:
        return share_of(nodeid)

    def _assign_work_unit(self, node: Any) -> None:
        if not any(self.assigned_work.values()):  # nothing is handed out yet
            self.workqueue = longest_first(self.workqueue)
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Shares | None:
    """Ours for ``--dist loadfile``; xdist's own for everything else."""
    return Shares(config, log) if config.getoption("dist") == "loadfile" else None
