"""Options of ECharts as plain data: no function, no colour; the page's script adds the theme and the formats.

A text that begins with ``@`` in a place for a format names one of the formats of chart.js (bytes, seconds, percent…).
"""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from django.utils.translation import gettext as _

Option = dict[str, Any]


def memory_option(parts: Sequence[tuple[str, int]], needed: int, free: int) -> Option:
    """One bar: what is needed, part by part as (name, bytes), with the line of what is free."""
    series: list[Option] = [
        {"type": "bar", "stack": "memory", "name": name, "data": [size], "barWidth": 34} for name, size in parts if size
    ]
    if series:
        line = {"xAxis": free, "label": {"formatter": _("free"), "position": "end", "rotate": 0}}
        series[-1]["markLine"] = {"symbol": "none", "silent": True, "data": [line]}
    step = _round_step(max(needed, free))
    axis = {"type": "value", "interval": step, "max": step * ceil(1.02 * max(needed, free) / step)}
    return {
        "tooltip": {"trigger": "item", "valueFormatter": "@bytes"},
        "legend": {"type": "scroll", "top": 0, "left": 0, "right": 0},
        "grid": {"left": 8, "right": 24, "top": 50, "bottom": 8, "containLabel": True},
        "xAxis": axis | {"axisLabel": {"formatter": "@bytes"}},
        "yAxis": {"type": "category", "data": [_("Memory")], "axisLabel": {"show": False}},
        "series": series,
    }


def _round_step(most: int) -> int:
    """Whole powers of two for the axis, so that four to eight of them reach ``most``."""
    return 1 << max(20, (most // 4).bit_length() - 1)


def loss_option(curves: Sequence[tuple[str, Sequence[Mapping[str, float]]]], held_out: Mapping[str, float]) -> Option:
    """Loss by step, one line a run; ``held_out`` gives horizontal lines: name → loss."""
    series: list[Option] = [
        {
            "type": "line",
            "name": name,
            "showSymbol": len(points) < 40,
            "symbolSize": 5,
            "data": [[point["step"], round(point["loss"], 4)] for point in points],
        }
        for name, points in curves
    ]
    last = max((points[-1]["step"] for _name, points in curves if points), default=1)
    series += [
        {
            "type": "line",
            "name": name,
            "showSymbol": False,
            "lineStyle": {"type": "dashed", "width": 1.5},
            "data": [[1, round(value, 4)], [last, round(value, 4)]],
        }
        for name, value in held_out.items()
    ]
    return {
        "tooltip": {"trigger": "axis", "valueFormatter": "@number"},
        "legend": {"show": len(series) > 1, "top": 0, "right": 8},
        "grid": {"left": 8, "right": 16, "top": 32, "bottom": 28, "containLabel": True},
        "xAxis": {"type": "value", "name": _("step"), "nameLocation": "middle", "nameGap": 24, "minInterval": 1},
        "yAxis": {"type": "value", "min": 0},
        "series": series,
    }


def days_option(
    days: Sequence[str],
    lines: Mapping[str, Sequence[float | None]],
    *,
    kind: str,
    form: str,
    tones: Sequence[str] = (),
) -> Option:
    """Named rows of numbers over days; ``kind`` is "bar" (stacked) or "line", ``form`` a format of chart.js,
    ``tones`` the colours' meanings (tokens of the theme) where they have one.
    """
    stacked = {"stack": "all"} if kind == "bar" else {"showSymbol": len(days) < 40, "connectNulls": False}
    return {
        "tooltip": {"trigger": "axis", "valueFormatter": f"@{form}"},
        "legend": {"top": 0, "show": len(lines) > 1},
        "grid": {"left": 8, "right": 16, "top": 32, "bottom": 8, "containLabel": True},
        "xAxis": {"type": "category", "data": list(days)},
        "yAxis": {"type": "value", "axisLabel": {"formatter": f"@{form}"}},
        "series": [{"type": kind, "name": name, "data": list(values)} | stacked for name, values in lines.items()],
    } | ({"color": [f"token:{tone}" for tone in tones]} if tones else {})
