"""A worker that is killed in the middle of an evaluation: ``python -m tests.integration.questions.child DATABASE RUN``.

It asks two questions, each committed, and dies at the third as by ``kill -9``.
"""

import os
import signal
import sys
from typing import Any
from uuid import UUID

from tests.engines import database_use


def main(database: str, run_id: str) -> None:
    import django
    from django.conf import settings

    django.setup()
    settings.EMBEDDINGS = "process"
    database_use(database)
    from liaoyuan.knowledge.questions import evaluating
    from liaoyuan.pipeline.services import stage_run_execute

    kept, calls = evaluating._keep, []

    def keep(*args: Any) -> None:
        calls.append(args)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        kept(*args)

    setattr(evaluating, "_keep", keep)  # noqa: B010 - another signature on purpose
    stage_run_execute(run_id=UUID(run_id), worker="killed")


if __name__ == "__main__":
    main(*sys.argv[1:])
