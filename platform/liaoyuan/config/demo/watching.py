"""Follow runs to their end, live."""

import time
from collections.abc import Callable, Iterable, Sequence

from rich.console import Console
from rich.live import Live

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.config.demo.board import board_table, plain_board
from liaoyuan.pipeline.models import FINAL_STATES, RunState, StageRun

POLL_SECONDS = 0.5
FAILED_STATES = FINAL_STATES - {RunState.SUCCEEDED}


class Watcher:
    """Shows the runs of one organization until they end.

    ``on_approval`` is called once for each run that waits for a person; without it, such a wait ends the watching.
    """

    def __init__(
        self,
        *,
        organization_id: object,
        console: Console,
        language: str,
        on_approval: Callable[[StageRun], None] | None = None,
    ) -> None:
        self._organization_id = str(organization_id)
        self._console = console
        self._language = language
        self._on_approval = on_approval
        self._told: set[object] = set()

    def watch(self, load: Callable[[], Iterable[StageRun]]) -> list[StageRun]:
        """Poll ``load`` inside the tenant context until every run has ended or one has failed; the last state."""
        if not self._console.is_terminal:
            return self._poll(load, self._tell)
        with Live(console=self._console, refresh_per_second=4, transient=False) as live:
            return self._poll(load, lambda runs: live.update(board_table(runs, self._language)))

    def _poll(
        self, load: Callable[[], Iterable[StageRun]], show: Callable[[Sequence[StageRun]], None]
    ) -> list[StageRun]:
        while True:
            with tenant_context(self._organization_id):
                runs = list(load())
                show(runs)
            if self._ended(runs):
                return runs
            time.sleep(POLL_SECONDS)

    def _ended(self, runs: Sequence[StageRun]) -> bool:
        waiting = [run for run in runs if run.state == RunState.WAITING and run.wait_kind == "approval"]
        for run in waiting:
            if self._on_approval is None:
                return True
            self._on_approval(run)
        return any(run.state in FAILED_STATES for run in runs) or all(run.state in FINAL_STATES for run in runs)

    def _tell(self, runs: Sequence[StageRun]) -> None:
        new = [run for run in runs if run.state in FINAL_STATES and run.id not in self._told]
        self._told |= {run.id for run in new}
        plain_board(self._console, new, self._language)
