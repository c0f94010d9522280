"""How long it still takes: the past decides at first, the run's own progress later."""

import pytest

from liaoyuan.pipeline.estimates import remaining_seconds


def test_nothing_known_gives_no_guess() -> None:
    assert remaining_seconds(elapsed=10, progress=0, expected=0) is None


def test_before_there_is_progress_the_past_decides() -> None:
    assert remaining_seconds(elapsed=10, progress=0.01, expected=100) == 90


def test_the_past_never_promises_less_than_nothing() -> None:
    assert remaining_seconds(elapsed=200, progress=0, expected=100) == 0


def test_with_progress_the_run_itself_decides() -> None:
    assert remaining_seconds(elapsed=30, progress=0.5, expected=1000) == 30


def test_in_between_both_count() -> None:
    mixed = remaining_seconds(elapsed=10, progress=0.1, expected=50)
    assert mixed == pytest.approx(0.5 * 90 + 0.5 * 40)


def test_at_the_end_nothing_is_left() -> None:
    assert remaining_seconds(elapsed=30, progress=1.0, expected=1000) == 0
