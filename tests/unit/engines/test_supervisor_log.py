"""The one log is readable whatever the programs print, and no log file grows without end."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from liaoyuan.compute.engines.rotation import RotatedFile, rotate_if_large
from liaoyuan.compute.engines.supervisor_log import Line, Painter, Reader

AT = datetime(2026, 11, 22, 12, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "level", "message"),
    [
        ("2026-11-22 11:24:25,551 INFO liaoyuan.reaper reaper starts", "INFO", "reaper: reaper starts"),
        ("2026-11-22 11:24:25,551 WARNING django.request Not Found: /x", "WARNING", "django.request: Not Found: /x"),
        ("2026-11-22 03:25:25.111 UTC [32414] LOG:  checkpoint starting", "INFO", "checkpoint starting"),
        ('2026-11-22 03:25:25.111 UTC [9] FATAL:  role "x" does not exist', "CRITICAL", 'role "x" does not exist'),
        ("32428:M 22 Nov 2026 11:24:52.533 * Module lua unloaded", "INFO", "Module lua unloaded"),
        ("32428:M 22 Nov 2026 11:24:52.533 # bye bye...", "WARNING", "bye bye..."),
        ("[2026-11-22 11:24:31,000: ERROR/MainProcess] consumer: lost", "ERROR", "consumer: lost"),
        ("INFO:     Started server process [1]", "INFO", "Started server process [1]"),
        ('{"level": "warning", "msg": "slow", "seconds": 3, "ts": 1}', "WARNING", "slow seconds=3"),
        ('{"no": "message"}', "INFO", '{"no": "message"}'),
        (
            "-- died with signal SIGKILL; next start in 0.5 s",
            "WARNING",
            "died with signal SIGKILL; next start in 0.5 s",
        ),
        ("-- ready after 0.3 s", "INFO", "ready after 0.3 s"),
        ("plain words", "INFO", "plain words"),
        ("\x1b[31mred\x1b[0m \x07bell", "INFO", "[31mred[0m bell"),
        ("", "INFO", ""),
    ],
)
def test_a_line_is_read_whoever_wrote_it(raw: str, level: str, message: str) -> None:
    found = Reader().read("web", raw, AT)
    assert (found.level, found.message) == (level, message)


def test_a_traceback_keeps_the_level_of_the_error_above_it() -> None:
    reader = Reader()
    raw = [
        "2026-11-22 11:24:25,551 ERROR liaoyuan.x it broke",
        "Traceback (most recent call last):",
        '  File "x"',
        "ValueError: no",
    ]
    levels = [reader.read("web", line, AT).level for line in raw]
    assert levels == ["ERROR"] * 4
    assert reader.read("worker", "  indented", AT).level == "INFO"


def test_people_read_columns_and_programs_read_json() -> None:
    line = Line(AT, "web", "ERROR", "it broke")
    assert (
        Painter(["web", "worker-light"], colour=False, as_json=False).text(line)
        == "12:30:05 web          ERROR    it broke"
    )
    assert "\x1b[31m" in Painter(["web"], colour=True, as_json=False).text(line)
    assert json.loads(Painter(["web"], colour=True, as_json=True).text(line)) == {
        "at": "2026-11-22T12:30:05.000+00:00", "name": "web", "level": "ERROR", "message": "it broke",
    }  # fmt: skip


def test_a_log_file_makes_room_for_itself(tmp_path: Path) -> None:
    log = RotatedFile(tmp_path / "web.log", largest=100, kept=3)
    for number in range(40):
        log.line(f"line {number:04}")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["web.log", "web.log.1", "web.log.2", "web.log.3"]
    assert all(path.stat().st_size <= 100 for path in tmp_path.iterdir())
    assert "line 0039" in (tmp_path / "web.log").read_text()
    assert (tmp_path / "web.log").stat().st_mode & 0o777 == 0o600


def test_a_log_file_that_others_moved_away_is_made_again(tmp_path: Path) -> None:
    log = RotatedFile(tmp_path / "web.log")
    log.line("one")
    (tmp_path / "web.log").rename(tmp_path / "elsewhere")
    log.line("two")
    assert (tmp_path / "web.log").read_text() == "two\n"


def test_the_file_of_an_engine_that_runs_alone_is_rotated_before_it_starts(tmp_path: Path) -> None:
    path = tmp_path / "valkey.log"
    path.write_text("x" * 50)
    rotate_if_large(path, largest=49)
    assert not path.exists()
    assert (tmp_path / "valkey.log.1").exists()
    rotate_if_large(path, largest=49)
