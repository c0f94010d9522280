"""What the page of components shows: the tokens as they are written in the style sheet, with their contrast."""

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django import forms
from django.conf import settings
from django.core.paginator import Page, Paginator
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from liaoyuan.errors import NotFound

THEME: Final = re.compile(r'@plugin "daisyui/theme" \{(.*?)\n\}', re.DOTALL)
ENTRY: Final = re.compile(r"--color-([a-z0-9-]+): (#[0-9a-f]{6});")
NAME: Final = re.compile(r'name: "([a-z-]+)"')
STATES: Final = (
    "waiting", "queued", "running", "cancelling", "succeeded", "failed", "errored", "dead", "cancelled", "needs-you",
    "draft", "neutral",
)  # fmt: skip
TEXTS: Final = ("base-content", "soft", "primary", "info", "success", "warning", "error")
GROUNDS: Final = ("base-100", "base-200")
# WCAG 2.2, 1.4.3: what text needs of its ground.
ENOUGH: Final = 4.5


@dataclass(frozen=True)
class Colour:
    """A text colour and its contrast on each ground."""

    name: str
    value: str
    contrasts: tuple[tuple[str, float], ...]

    @property
    def passes(self) -> bool:
        return all(ratio >= ENOUGH for _, ratio in self.contrasts)


@dataclass(frozen=True)
class Theme:
    name: str
    colours: tuple[Colour, ...]


class Sample(forms.Form):
    """One field of each kind; the second has an error."""

    name = forms.CharField(label=gettext_lazy("Name"), help_text=gettext_lazy("As it will be shown in lists."))
    address = forms.EmailField(label=gettext_lazy("E-mail"))
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=[("qa", gettext_lazy("Question answering"))])
    text = forms.CharField(label=gettext_lazy("Note"), widget=forms.Textarea(attrs={"rows": 2}), required=False)
    file = forms.FileField(label=gettext_lazy("File"), required=False)
    agree = forms.BooleanField(label=gettext_lazy("Keep the original"), required=False)
    pick = forms.ChoiceField(
        label=gettext_lazy("Language of the answers"),
        choices=[("zh", "中文"), ("en", "English")],
        widget=forms.RadioSelect,
        required=False,
    )


@dataclass(frozen=True)
class Design:
    """All that the page shows."""

    themes: tuple[Theme, ...]
    sizes: tuple[tuple[str, str], ...]
    form: Sample
    page: "Page[Any]"
    now: datetime
    chart: dict[str, Any]
    states: tuple[str, ...] = STATES
    bars: tuple[str, ...] = ("waiting", "running", "succeeded", "failed", "needs-you")
    grounds: tuple[str, ...] = GROUNDS

    @property
    def earlier(self) -> datetime:
        return self.now - timedelta(minutes=42)

    @property
    def rows(self) -> list[tuple[str, str, int]]:
        return [
            ("手卫生管理规定.pdf", "succeeded", 14),
            ("Hand hygiene in care.docx", "running", 8),
            ("院感手册", "failed", 231),
        ]


def design() -> Design:
    """Read from the source of the style sheet, so that the page cannot tell something else than the colours do.

    Raises NotFound where only the built style sheet is installed.
    """
    path = Path(settings.ROOT, "frontend/css/app.css")
    if not path.is_file():
        raise NotFound
    source = path.read_text(encoding="utf-8")
    themes = tuple(theme_read(body) for body in THEME.findall(source))
    sizes = tuple(re.findall(r"--text-([a-z0-9]+): ([\d.]+rem);", source))
    form = Sample({"name": "手卫生制度问答", "address": "nobody", "kind": "qa", "pick": "zh"})
    return Design(themes, sizes, form, Paginator(range(120), 25).page(2), timezone.now(), chart())


def chart() -> dict[str, Any]:
    """A curve as a training run draws one."""
    steps = range(0, 201, 10)
    series = [
        {"name": name, "type": "line", "data": [round(low + 2.4 * math.exp(-step / 60), 3) for step in steps]}
        for name, low in ((_("Training"), 0.6), (_("Evaluation"), 0.8))
    ]
    return {"legend": {}, "xAxis": {"data": [str(step) for step in steps]}, "yAxis": {}, "series": series}


def theme_read(body: str) -> Theme:
    """One ``@plugin "daisyui/theme"`` block."""
    tokens = dict(ENTRY.findall(body))
    colours = [
        Colour(name, tokens[name], tuple((ground, contrast(tokens[name], tokens[ground])) for ground in GROUNDS))
        for name in TEXTS
    ]
    found = NAME.search(body)
    return Theme(found[1] if found else "", tuple(colours))


def contrast(first: str, second: str) -> float:
    """WCAG's ratio of two ``#rrggbb`` colours, 1 to 21."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return round((light + 0.05) / (dark + 0.05), 2)


def luminance(colour: str) -> float:
    """WCAG's relative luminance of ``#rrggbb``, 0 to 1."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
