"""Options of ECharts as plain data: no function, no colour; the page's script adds the theme and the formats.

A text that begins with ``@`` in a place for a format names one of the formats of chart.js (bytes, seconds, percent…).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

Option = dict[str, Any]


def memory_option(parts: Sequence[Any], needed: int, free: int) -> Option:
    """One bar: what is needed, part by part, with the line of what is free (``parts`` have name, side and size)."""
    label = {"training": _("training"), "serving": _("serving")}
    series: list[Option] = [
        {
            "type": "bar",
            "stack": "memory",
            "name": f"{part.name} · {label[part.side]}",
            "data": [part.size],
            "barWidth": 34,
        }
        for part in parts
        if part.size
    ]
    if series:
        line = {"xAxis": free, "label": {"formatter": _("free"), "position": "insideEndTop"}}
        series[-1]["markLine"] = {"symbol": "none", "silent": True, "data": [line]}
    return {
        "tooltip": {"trigger": "item", "valueFormatter": "@bytes"},
        "legend": {"type": "scroll", "bottom": 0},
        "grid": {"left": 8, "right": 24, "top": 28, "bottom": 64, "containLabel": True},
        "xAxis": {"type": "value", "max": round(max(needed, free) * 1.05), "axisLabel": {"formatter": "@bytes"}},
        "yAxis": {"type": "category", "data": [_("Memory")], "axisLabel": {"show": False}},
        "series": series,
    }


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
    if series and held_out:
        lines = [{"yAxis": round(value, 4), "name": name} for name, value in held_out.items()]
        series[0]["markLine"] = {
            "symbol": "none",
            "silent": True,
            "label": {"formatter": "{b}: {c}", "position": "insideEndTop"},
            "data": lines,
        }
    return {
        "tooltip": {"trigger": "axis", "valueFormatter": "@number"},
        "legend": {"show": len(curves) > 1, "top": 0},
        "grid": {"left": 8, "right": 16, "top": 32, "bottom": 28, "containLabel": True},
        "xAxis": {"type": "value", "name": _("step"), "nameLocation": "middle", "nameGap": 24, "minInterval": 1},
        "yAxis": {"type": "value", "name": _("loss"), "min": 0},
        "series": series,
    }


def funnel_option(steps: Sequence[Any]) -> Option:
    """Items kept and dropped, operator by operator (``steps`` have title, after and dropped)."""
    return {
        "tooltip": {"trigger": "axis"},
        "legend": {"top": 0},
        "grid": {"left": 8, "right": 16, "top": 32, "bottom": 8, "containLabel": True},
        "xAxis": {"type": "category", "data": [str(step.title) for step in steps], "axisLabel": {"interval": 0}},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": [
            {"type": "bar", "stack": "items", "name": _("kept"), "data": [step.after for step in steps]},
            {"type": "bar", "stack": "items", "name": _("dropped"), "data": [step.dropped for step in steps]},
        ],
    }


def days_option(days: Sequence[str], lines: Mapping[str, Sequence[float | None]], *, kind: str, form: str) -> Option:
    """Named rows of numbers over days; ``kind`` is "bar" (stacked) or "line", ``form`` a format of chart.js."""
    stacked = {"stack": "all"} if kind == "bar" else {"showSymbol": len(days) < 40, "connectNulls": False}
    return {
        "tooltip": {"trigger": "axis", "valueFormatter": f"@{form}"},
        "legend": {"top": 0, "show": len(lines) > 1},
        "grid": {"left": 8, "right": 16, "top": 32, "bottom": 8, "containLabel": True},
        "xAxis": {"type": "category", "data": list(days)},
        "yAxis": {"type": "value", "axisLabel": {"formatter": f"@{form}"}},
        "series": [{"type": kind, "name": name, "data": list(values)} | stacked for name, values in lines.items()],
    }
