"""Files for people to take away. A cell that a spreadsheet would take for a formula is defused."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.http import HttpResponse

# OWASP "CSV injection": what makes a spreadsheet calculate when it begins a cell.
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
BOM: Final = "\N{BYTE ORDER MARK}"


def cell(value: Any) -> Any:
    """``value`` as a spreadsheet may show it: numbers stay numbers, a text that looks like a formula is quoted."""
    if isinstance(value, int | float) or value is None:
        return value
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) or text.lstrip().startswith(FORMULA) else text


def csv_response(name: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """A CSV file in UTF-8 with a byte order mark: without it Excel takes Chinese for Latin."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow([cell(title) for title in head])
    writer.writerows([cell(value) for value in row] for row in rows)
    return _file(BOM + stream.getvalue(), f"{name}.csv", "text/csv; charset=utf-8")


def jsonl_response(name: str, rows: Iterable[Mapping[str, Any]]) -> HttpResponse:
    """One JSON object a line."""
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return _file(lines, f"{name}.jsonl", "application/x-ndjson; charset=utf-8")


def _file(text: str, name: str, kind: str) -> HttpResponse:
    answer = HttpResponse(text, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
