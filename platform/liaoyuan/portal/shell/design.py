"""What the page of components shows: the tokens as they are written in the style sheet, with their contrast."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings

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


@dataclass(frozen=True)
class Design:
    themes: tuple[Theme, ...]
    states: tuple[str, ...]
    sizes: tuple[tuple[str, str], ...]


def design() -> Design:
    """Read from the source of the style sheet, so that the page cannot tell something else than the colours do."""
    source = Path(settings.ROOT, "frontend/css/app.css").read_text(encoding="utf-8")
    sizes = re.findall(r"--text-([a-z0-9]+): ([\d.]+rem);", source)
    return Design(tuple(theme_read(body) for body in THEME.findall(source)), STATES, tuple(sizes))


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
