"""Question files as people bring them: JSON lines, CSV or a spreadsheet. A bad line is told, the good ones stay."""

import csv
import datetime
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from liaoyuan.knowledge.answer import LONGEST_QUESTION
from liaoyuan.knowledge.parse.sandbox import parse_file
from liaoyuan.knowledge.questions.errors import QuestionFileUnreadable
from liaoyuan.knowledge.text.normalise import is_chinese

MOST_BYTES: Final = 5 * 1024 * 1024
MOST_LINES: Final = 5000
LONGEST_EVIDENCE: Final = 400
LONGEST_TYPE: Final = 20
_COLUMNS: Final = {
    "id": ("id", "编号", "序号"),
    "question": ("question", "问题", "题目", "query"),
    "evidence": ("evidence", "依据", "出处", "source"),
    "must_contain": ("must_contain", "must contain", "必须包含", "应包含", "答案要点", "answer", "答案"),
    "answerable": ("answerable", "可回答", "能否回答"),
    "type": ("type", "类型", "题型"),
    "language": ("language", "语言"),
    "date": ("date", "日期", "截至日期", "as of", "as_of"),
}
_NO: Final = frozenset({"false", "no", "0", "n", "否", "不可", "不能", "不可回答", "f"})
# 2024-5-1, 2024/05/01, 2024年5月1日; a spreadsheet's midnight belongs to the day.
_DAY: Final = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T]00:00(?::00)?)?")
_SEVERAL: Final = re.compile(r"\s*[\n|；;]\s*")


@dataclass(frozen=True, slots=True)
class QuestionDraft:
    """A question as somebody wrote it, checked but not kept."""

    question: str
    evidence: tuple[str, ...] = ()
    must_contain: tuple[str, ...] = ()
    answerable: bool = True
    type: str = ""
    language: str = "zh"
    external_id: str = ""
    # YYYY-MM-DD: what was in force on that day is asked for; empty: on the day of the evaluation.
    date: str = ""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no question: its number in the file (from 1), why, and how it begins."""

    number: int
    reason_zh: str
    reason_en: str
    text: str = ""


@dataclass(slots=True)
class FileQuestions:
    """The questions of one file, by the number of their line, and the lines that are none."""

    good: list[tuple[int, QuestionDraft]] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)


class LineInvalid(ValueError):
    """Why a line is no question, for people of both languages."""

    def __init__(self, zh: str, en: str) -> None:
        self.zh, self.en = zh, en
        super().__init__(en)


def question_file_read(path: Path, name: str = "") -> FileQuestions:
    """Every question of a file. Raises QuestionFileUnreadable where the file as a whole is none."""
    shown = name or path.name
    if path.stat().st_size > MOST_BYTES:
        raise QuestionFileUnreadable(name=shown, detail=f"> {MOST_BYTES // 1024 // 1024} MB")
    suffix = Path(shown).suffix.lower()
    lines = _spreadsheet(path, shown) if suffix in {".xlsx", ".xls", ".ods"} else _text_lines(path, shown, suffix)
    found = FileQuestions()
    for number, values in lines:
        if len(found.good) >= MOST_LINES:
            raise QuestionFileUnreadable(name=shown, detail=f"> {MOST_LINES}")
        if isinstance(values, LineInvalid):
            found.bad.append(BadLine(number, values.zh, values.en))
            continue
        try:
            found.good.append((number, draft_from(values)))
        except LineInvalid as error:
            found.bad.append(BadLine(number, error.zh, error.en, str(values.get("question") or "")[:80]))
    return found


Values = Mapping[str, Any] | LineInvalid


def _text_lines(path: Path, name: str, suffix: str) -> Iterator[tuple[int, Values]]:
    text = _decoded(path, name)
    if suffix in {".csv", ".tsv"}:
        return _delimited(text, name, "\t" if suffix == ".tsv" else ",")
    return _json_lines(text)


def _decoded(path: Path, name: str) -> str:
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise QuestionFileUnreadable(name=name, detail="UTF-8, GB18030")


def _json_lines(text: str) -> Iterator[tuple[int, Values]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            yield number, LineInvalid("不是合法的 JSON", "not valid JSON")
            continue
        yield number, values if isinstance(values, dict) else LineInvalid("不是 JSON 对象", "not a JSON object")


def _delimited(text: str, name: str, delimiter: str) -> Iterator[tuple[int, Values]]:
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        header = _header(next(reader, []), name)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, _valued(header, cells)
    except csv.Error as error:
        raise QuestionFileUnreadable(name=name, detail=str(error)) from error


def _spreadsheet(path: Path, name: str) -> Iterator[tuple[int, Values]]:
    """A spreadsheet is a stranger's file: it is read by the confined parser and never opened here."""
    outcome = parse_file(path, name=name)
    if outcome.document is None:
        raise QuestionFileUnreadable(name=name, detail=outcome.code)
    tables = [block.table for block in outcome.document.blocks if block.table]
    if not tables:
        raise QuestionFileUnreadable(name=name, detail="table")
    rows = [row for table in tables for row in table]
    header = _header(rows[0], name)
    for number, cells in enumerate(rows[1:], start=2):
        if any(cell.strip() for cell in cells) and _plain(cells[0]) != _plain(rows[0][0]):
            yield number, _valued(header, cells)


def _header(cells: Sequence[str], name: str) -> dict[str, int]:
    plain = [_plain(cell) for cell in cells]
    found = {
        column: plain.index(_plain(word))
        for column, words in _COLUMNS.items()
        for word in reversed(words)
        if _plain(word) in plain
    }
    if "question" not in found:
        raise QuestionFileUnreadable(name=name, detail="question / 问题")
    return found


def _plain(text: str) -> str:
    return text.strip().lower().replace("_", " ")


def _valued(header: Mapping[str, int], cells: Sequence[str]) -> dict[str, Any]:
    values: dict[str, Any] = {name: cells[at].strip() for name, at in header.items() if at < len(cells)}
    for name in ("evidence", "must_contain"):
        values[name] = [part for part in _SEVERAL.split(values.get(name, "")) if part]
    values["answerable"] = _plain(values.get("answerable", "")) not in _NO
    return values


def draft_from(values: Mapping[str, Any]) -> QuestionDraft:
    """One question from its JSON form. Raises LineInvalid."""
    text = " ".join(str(values.get("question") or "").split())
    if not text:
        raise LineInvalid("没有问题文字", "there is no question")
    if len(text) > LONGEST_QUESTION:
        raise LineInvalid(
            f"问题超过 {LONGEST_QUESTION} 字", f"the question is longer than {LONGEST_QUESTION} characters"
        )
    answerable = values.get("answerable", True)
    if not isinstance(answerable, bool):
        raise LineInvalid("answerable 必须是 true 或 false", "answerable must be true or false")
    evidence, must = _strings(values, "evidence"), _strings(values, "must_contain")
    if answerable and not (evidence or must):
        raise LineInvalid(
            "可回答的问题要有依据或必须包含的原文", "an answerable question needs evidence or must_contain"
        )
    if not answerable and (evidence or must):
        raise LineInvalid("不可回答的问题不能有依据", "an unanswerable question has neither evidence nor must_contain")
    return QuestionDraft(
        question=text,
        evidence=evidence,
        must_contain=must,
        answerable=answerable,
        type=str(values.get("type") or ("" if answerable else "unanswerable"))[:LONGEST_TYPE],
        language=str(values.get("language") or ("zh" if is_chinese(text) else "en"))[:2],
        external_id=str(values.get("id") or "")[:80],
        date=_day(values.get("date")),
    )


def _day(value: object) -> str:
    """A day in the forms in which spreadsheets and people write one, as YYYY-MM-DD. Raises LineInvalid."""
    text = str(value or "").strip()
    if not text:
        return ""
    found = _DAY.fullmatch(text)
    try:
        day = datetime.date(*map(int, found.groups())) if found else datetime.date.fromisoformat(text)
    except ValueError:
        raise LineInvalid("date 不是日期（例如 2024-05-01）", "date is no date (for instance 2024-05-01)") from None
    return day.isoformat()


def _strings(values: Mapping[str, Any], name: str) -> tuple[str, ...]:
    listed = values.get(name) or []
    if isinstance(listed, str) or not isinstance(listed, list | tuple):
        raise LineInvalid(f"{name} 必须是列表", f"{name} must be a list")
    if any(not isinstance(item, str) for item in listed):
        raise LineInvalid(f"{name} 里只能有文字", f"{name} may hold text only")
    found = tuple(item.strip() for item in listed if item.strip())
    if any(len(item) > LONGEST_EVIDENCE for item in found):
        raise LineInvalid(
            f"{name} 有一项超过 {LONGEST_EVIDENCE} 字", f"an item of {name} is longer than {LONGEST_EVIDENCE}"
        )
    return found
