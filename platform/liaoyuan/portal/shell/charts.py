"""A chart's numbers as a table, for those who cannot see it or want to copy them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Beyond this a table helps nobody and doubles the page.
MOST_ROWS = 200


@dataclass(frozen=True)
class Table:
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int = 0


def table_of(option: Mapping[str, Any]) -> Table:
    """Rows are the categories (or x values), columns the series; name and value for a pie."""
    series = _list(option.get("series"))
    labels = [str(each) for each in _axis(option).get("data", [])]
    if labels:
        return _by_category(series, labels)
    pairs = [
        (str(each.get("name", "")), *(_text(part) for part in _parts(point)))
        for each in series
        for point in _data(each)
    ]
    width = max((len(pair) for pair in pairs), default=0)
    rows = tuple(pair + ("",) * (width - len(pair)) for pair in pairs)
    heads = ("", "x", "y", *(str(number) for number in range(3, width)))[:width]
    return Table(heads, rows[:MOST_ROWS], max(0, len(rows) - MOST_ROWS))


def _by_category(series: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> Table:
    columns = [[_text(_value(point)) for point in _data(each)] for each in series]
    rows = tuple(
        (label, *(column[place] if place < len(column) else "" for column in columns))
        for place, label in enumerate(labels)
    )
    heads = ("", *(str(each.get("name", "")) for each in series))
    return Table(heads, rows[:MOST_ROWS], max(0, len(rows) - MOST_ROWS))


def _axis(option: Mapping[str, Any]) -> Mapping[str, Any]:
    """The axis of categories: x mostly, y where the bars lie."""
    axes = [axis for name in ("xAxis", "yAxis") for axis in _list(option.get(name))]
    return next((axis for axis in axes if axis.get("data")), {})


def _list(value: Any) -> list[Mapping[str, Any]]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _data(series: Mapping[str, Any]) -> list[Any]:
    return list(series.get("data") or [])


def _value(point: Any) -> Any:
    return point.get("value") if isinstance(point, Mapping) else point


def _parts(point: Any) -> tuple[Any, ...]:
    if isinstance(point, Mapping):
        name = point.get("name")
        return (*(() if name is None else (name,)), *_parts(point.get("value")))
    return tuple(point) if isinstance(point, (list, tuple)) else (point,)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
