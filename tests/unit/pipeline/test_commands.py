"""The command lines of the processes beside the web."""

import sys

from workers.commands import commands, worker_argv


def test_every_process_is_a_python_module() -> None:
    for argv in commands().values():
        assert argv[:2] == [sys.executable, "-m"]


def test_a_worker_forks_and_names_its_queues() -> None:
    argv = worker_argv("w", ("light", "serve"), 2)
    assert argv[argv.index("--queues") + 1] == "light,serve"
    assert argv[argv.index("--concurrency") + 1] == "2"
    assert argv[argv.index("--pool") + 1] == "prefork"
