"""Quantities as people read them."""

import json
from typing import Any, Final

from django import template
from django.utils.translation import gettext as _

register = template.Library()
MINUTE: Final = 60
HOUR: Final = 3600
SMALLEST: Final = 0.0001
CERTAIN: Final = 0.99
BARELY: Final = 0.01


@register.filter
def share(value: Any, digits: int = 0) -> str:
    """A share of one as a percentage: 0.976 → 98 %, with ``digits`` behind the point; nothing of nothing."""
    return "–" if value is None else f"{100 * float(value):.{digits}f} %"


@register.filter
def sureness(value: float | None) -> str:
    """A probability for people: no estimate is rounded to certainty."""
    if value is not None and value > CERTAIN:
        return _("over %(share)s") % {"share": share(CERTAIN)}
    return f"< {share(BARELY)}" if value is not None and value < BARELY else share(value)


@register.filter
def duration(seconds: Any) -> str:
    """Seconds for people: 0.031 → 31 ms, 0.5 → 0.50 s, 84 → 1 min 24 s, 7500 → 2 h 5 min."""
    if seconds is None:
        return "–"
    value = float(seconds)
    if value < 1:
        return _("%(number)s ms") % {"number": f"{1000 * value:.0f}"} if value < 0.1 else _seconds(f"{value:.2f}")
    if value < MINUTE:
        return _seconds(f"{value:.1f}".removesuffix(".0"))
    minutes, rest = divmod(round(value), MINUTE)
    if value < HOUR:
        return _("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": rest}
    return _("%(hours)s h %(minutes)s min") % {"hours": minutes // MINUTE, "minutes": minutes % MINUTE}


@register.filter
def measured(value: Any, digits: int = 3) -> str:
    """A number with so many significant digits; a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:.{digits}g}" if isinstance(value, float) and abs(value) < 10**digits else f"{value:,.0f}"


@register.filter
def money(value: Any) -> str:
    """A cost: two digits behind the point, more where they would show nothing."""
    if value is None:
        return "–"
    number = float(value)
    if 0 < number < SMALLEST:
        return f"< {SMALLEST}"
    return f"{number:.2f}" if number >= 1 or number == 0 else f"{number:.4f}".rstrip("0")


def _seconds(number: str) -> str:
    return _("%(number)s s") % {"number": number}


@register.filter
def pretty(value: Any) -> str:
    """JSON for people."""
    return json.dumps(value, ensure_ascii=False, indent=2)
