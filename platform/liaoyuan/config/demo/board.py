"""The live board in the terminal: stage, percent, ETA, and the reason of every wait."""

from collections.abc import Sequence

from django.utils import timezone
from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table

from liaoyuan.config.demo.words import stage_word, state_word, word
from liaoyuan.pipeline.models import ACTIVE_STATES, FINAL_STATES, RunState, StageRun
from liaoyuan.pipeline.waiting import wait_report

COLOURS = {
    RunState.RUNNING: "cyan",
    RunState.SUCCEEDED: "green",
    RunState.WAITING: "yellow",
    RunState.QUEUED: "yellow",
}


def board_table(runs: Sequence[StageRun], language: str) -> Table:
    """One row a run. Ask inside the tenant context: wait reasons are counted on the spot."""
    table = Table(expand=True, show_edge=False, pad_edge=False)
    table.add_column(word("stage", language), no_wrap=True)
    table.add_column(word("state", language), no_wrap=True)
    table.add_column(word("progress", language), no_wrap=True)
    table.add_column(word("time", language), justify="right", no_wrap=True)
    table.add_column(word("result", language), ratio=1)
    for run in runs:
        colour = COLOURS.get(RunState(run.state), "red")
        bar = ProgressBar(total=1.0, completed=1.0 if run.state == RunState.SUCCEEDED else run.progress, width=14)
        state = f"[{colour}]{state_word(run.state, language)}[/]"
        table.add_row(stage_word(run.stage, language), state, bar, run_time(run, language), run_sentence(run, language))
    return table


def run_seconds(run: StageRun) -> float:
    """Seconds since the run was first started, or that it took."""
    if run.started_at is None:
        return 0.0
    return ((run.finished_at or timezone.now()) - run.started_at).total_seconds()


def run_time(run: StageRun, language: str) -> str:
    """Elapsed seconds; beside them the estimate while it runs."""
    if run.state in ACTIVE_STATES and run.eta is not None:
        left = max(0.0, (run.eta - timezone.now()).total_seconds())
        return f"{run_seconds(run):.0f} s / {word('eta', language, seconds=left)}"
    if run.state in FINAL_STATES or run.state in ACTIVE_STATES:
        return f"{run_seconds(run):.1f} s"
    return word("eta", language, seconds=run.expected_seconds) if run.expected_seconds else ""


def run_sentence(run: StageRun, language: str) -> str:
    """What the run did, does, or waits for."""
    wait = wait_report(run)
    if wait is not None:
        return wait.reason_zh if language == "zh" else wait.reason_en
    if run.state in FINAL_STATES and run.state != RunState.SUCCEEDED:
        return run_error(run, language)
    sentence = run.message_zh if language == "zh" else run.message_en
    return sentence + (word("reused", language) if run.result.get("reused") else "")


def run_error(run: StageRun, language: str) -> str:
    """Code and sentence of a failure."""
    sentence = run.error.get(language) or run.error.get("message") or ""
    return f"{run.error.get('code', run.state)}: {sentence}"


def plain_board(console: Console, runs: Sequence[StageRun], language: str) -> None:
    """For a terminal that cannot redraw (CI, a pipe): a line a run, printed when it ends."""
    for run in runs:
        state = state_word(run.state, language)
        line = f"{stage_word(run.stage, language)}  {state}  {run_seconds(run):.1f} s  {run_sentence(run, language)}"
        console.print(line, highlight=False, soft_wrap=True)
