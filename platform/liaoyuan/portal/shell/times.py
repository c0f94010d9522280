"""Times as people read them, in the zone that is active for the viewer."""

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

DAY: Final = timedelta(days=1)


def written(at: datetime, style: str, *, now: datetime) -> str:
    """``short`` leaves out what the reader knows (today's date, this year); ``long`` leaves out nothing; ``until`` is
    an expectation, which is never in the past: what is overdue is due in a moment."""
    here = timezone.localtime(at) if timezone.is_aware(at) else at
    if style in {"relative", "until"}:
        return relative(max(at, now + timedelta(seconds=1)) if style == "until" else at, now=now)
    if style == "long":
        return here.strftime("%Y-%m-%d %H:%M:%S")
    today = timezone.localtime(now)
    if here.date() == today.date():
        return here.strftime("%H:%M")
    return here.strftime("%m-%d %H:%M" if here.year == today.year else "%Y-%m-%d")


def relative(at: datetime, *, now: datetime) -> str:
    """ "3 min ago", "in 2 h"; from thirty days on the date."""
    apart = abs(now - at)
    if apart >= 30 * DAY:
        return timezone.localtime(at).strftime("%Y-%m-%d")
    if apart < timedelta(seconds=45):
        return _("just now") if at <= now else _("in a moment")
    amount = _amount(apart)
    return _("%(amount)s ago") % {"amount": amount} if at <= now else _("in %(amount)s") % {"amount": amount}


def _amount(apart: timedelta) -> str:
    minutes = round(apart.total_seconds() / 60)
    if minutes < 60:
        return _("%(count)s min") % {"count": max(1, minutes)}
    if minutes < 36 * 60:
        return _("%(count)s h") % {"count": round(minutes / 60)}
    days = round(minutes / (24 * 60))
    return ngettext("%(count)s day", "%(count)s days", days) % {"count": days}
