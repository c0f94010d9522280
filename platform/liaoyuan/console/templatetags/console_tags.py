"""Words and numbers of the console's pages."""

from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _

from liaoyuan.console.actions import action_words
from liaoyuan.console.door import language
from liaoyuan.console.forms import STATES
from liaoyuan.console.selectors.machine import bytes_text
from liaoyuan.pipeline.waits import TITLES

register = template.Library()
MINUTE, HOUR, DAY = 60, 3600, 86_400


@register.filter
def state_word(state: str) -> str:
    """A run's state in words."""
    return str(STATES.get(state, state))


@register.filter
def stage_word(stage: str) -> str:
    """A stage's name in the page's language."""
    zh, en = TITLES.get(stage, (stage, stage))
    return zh if language() == "zh" else en


@register.filter
def told(value: Any, field: str) -> str:
    """``value.<field>_zh`` or ``_en`` by the page's language."""
    return str(getattr(value, f"{field}_{language()}", ""))


@register.filter
def in_bytes(size: float) -> str:
    return bytes_text(size)


@register.filter
def percent(share: float) -> str:
    return f"{100 * share:.0f}"


@register.filter
def waited(since: datetime | None) -> str:
    """How long ago, in one unit: short enough for a table."""
    return "–" if since is None else lasting((timezone.now() - since).total_seconds())


@register.filter
def lasting(seconds: float) -> str:
    """Seconds for people, in the largest unit that fits."""
    seconds = max(seconds, 0)
    if seconds < MINUTE:
        return _("{n} s").format(n=round(seconds))
    if seconds < HOUR:
        return _("{n} min").format(n=round(seconds / MINUTE))
    if seconds < DAY:
        return _("{n} h").format(n=round(seconds / HOUR, 1))
    return _("{n} d").format(n=round(seconds / DAY, 1))


@register.filter
def action_word(action: str) -> str:
    """What an operator did, in words."""
    return action_words(action)


@register.filter
def process_state(state: str) -> str:
    """The colour and icon for a supervised process."""
    return {"ready": "succeeded", "starting": "running", "backoff": "errored", "gave_up": "dead"}.get(state, "neutral")


@register.filter
def process_word(state: str) -> str:
    """A supervised process's state in words."""
    words = {
        "ready": _("ready"),
        "starting": _("starting"),
        "backoff": _("restarting"),
        "waiting": _("waiting"),
        "stopping": _("stopping"),
        "stopped": _("not kept here"),
        "gave_up": _("gave up"),
    }
    return words.get(state, state)


@register.filter
def words(text: Any) -> str:
    """A pack's text (zh, en) in the page's language."""
    return str(text.zh if language() == "zh" else text.en)
