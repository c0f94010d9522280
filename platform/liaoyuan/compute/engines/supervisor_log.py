"""One readable log of many programs: each prints as it likes, the terminal shows time, name, level and message."""

import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from liaoyuan.compute.engines.background import SUPERVISOR_MARK

COLOURS: Final = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
PAINT: Final = {"WARNING": 33, "ERROR": 31, "CRITICAL": 31}
DIM: Final = 2
LEVELS: Final = {
    "DEBUG": "DEBUG", "INFO": "INFO", "NOTICE": "INFO", "LOG": "INFO", "HINT": "INFO", "DETAIL": "INFO",
    "STATEMENT": "INFO", "WARNING": "WARNING", "WARN": "WARNING", "ERROR": "ERROR", "FATAL": "CRITICAL",
    "PANIC": "CRITICAL", "CRITICAL": "CRITICAL",
}  # fmt: skip
VALKEY_LEVELS: Final = {".": "DEBUG", "-": "INFO", "*": "INFO", "#": "WARNING"}
WORDS: Final = "|".join(LEVELS)
# What the children write: our own and Django's format, PostgreSQL, Valkey, Celery, uvicorn.
FORMATS: Final = (
    re.compile(rf"^\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d[,.]\d+ (?P<level>{WORDS}) (?P<logger>[\w.]+) (?P<message>.*)$"),
    re.compile(rf"^\d{{4}}-\d\d-\d\d [\d:.]+ \S+ \[\d+\] (?P<level>{WORDS}):\s+(?P<message>.*)$"),
    re.compile(r"^\d+:[A-Z] \d+ \w+ \d{4} [\d:.]+ (?P<mark>[.\-*#]) (?P<message>.*)$"),
    re.compile(rf"^\[[\d\- :,]+: (?P<level>{WORDS})/\w[\w-]*\] (?P<message>.*)$"),
    re.compile(rf"^(?P<level>{WORDS}):\s+(?P<message>.*)$"),
)
CONTINUED: Final = re.compile(r"^(\s|Traceback \(|\w+(\.\w+)*(Error|Exception|Fault|Warning)\b)")
STRUCTURED: Final = {"level": ("level", "levelname", "severity"), "message": ("message", "msg", "event")}
# What a terminal would obey instead of showing.
CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]")


@dataclass(frozen=True)
class Line:
    """One line of one process, read."""

    at: datetime
    name: str
    level: str
    message: str


class Reader:
    """Reads what the processes print; a traceback's lines take the level of the line before them."""

    def __init__(self) -> None:
        self._levels: dict[str, str] = {}

    def read(self, name: str, raw: str, at: datetime | None = None) -> Line:
        """``raw`` is one line without its end."""
        level, message = self._parse(name, CONTROL.sub("", raw.replace("\t", "    ")).rstrip())
        self._levels[name] = level
        return Line(at or datetime.now().astimezone(), name, level, message)

    def _parse(self, name: str, text: str) -> tuple[str, str]:
        if text.startswith(SUPERVISOR_MARK):
            message = text.removeprefix(SUPERVISOR_MARK)
            return ("WARNING" if message.startswith(("died", "cannot", "not ready", "gave up")) else "INFO"), message
        found = _structured(text) or _known(text)
        if found is not None:
            return found
        if text.startswith("Traceback ("):
            return "ERROR", text
        return (self._levels.get(name, "INFO") if CONTINUED.match(text) else "INFO"), text


def _known(text: str) -> tuple[str, str] | None:
    for pattern in FORMATS:
        found = pattern.match(text)
        if found:
            parts = found.groupdict()
            level = LEVELS[parts["level"]] if "level" in parts else VALKEY_LEVELS[parts["mark"]]
            logger = str(parts.get("logger") or "").removeprefix("liaoyuan.")
            return level, f"{logger}: {parts['message']}" if logger else str(parts["message"])
    return None


def _structured(text: str) -> tuple[str, str] | None:
    """A JSON object with a message: the message, then its other fields as ``key=value``."""
    if not (text.startswith("{") and text.endswith("}")):
        return None
    try:
        value: dict[str, Any] = json.loads(text)
    except ValueError:
        return None
    picked = {key: next((n for n in names if isinstance(value.get(n), str)), "") for key, names in STRUCTURED.items()}
    if not picked["message"]:
        return None
    used = {*STRUCTURED["level"], *STRUCTURED["message"], "timestamp", "time", "ts", "asctime"}
    rest = " ".join(f"{key}={item}" for key, item in value.items() if key not in used)
    level = LEVELS.get(str(value.get(picked["level"], "INFO")).upper(), "INFO")
    return level, f"{value[picked['message']]} {rest}".rstrip()


class Painter:
    """A line for people (with colours or without) or, as JSON, for programs."""

    def __init__(self, names: list[str], *, colour: bool, as_json: bool) -> None:
        self._width = max((len(name) for name in names), default=0)
        self._colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
        self._colour, self._json = colour, as_json

    def text(self, line: Line) -> str:
        if self._json:
            return json.dumps(asdict(line) | {"at": line.at.isoformat(timespec="milliseconds")}, ensure_ascii=False)
        time, name, level = f"{line.at:%H:%M:%S}", f"{line.name:<{self._width}}", f"{line.level:<8}"
        message = line.message
        if self._colour:
            time = _paint(time, DIM)
            name = _paint(name, self._colours.get(line.name, COLOURS[0]))
            shade = PAINT.get(line.level)
            level, message = (_paint(level, shade), _paint(message, shade)) if shade else (_paint(level, DIM), message)
        return f"{time} {name} {level} {message}"


def _paint(text: str, code: int) -> str:
    return f"\x1b[{code}m{text}\x1b[0m"
