"""Words in an RTF that nobody sees: hidden, in the colour of the paper, or a point high."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

_TOKEN = re.compile(r"\\([a-z]{1,32})(-?\d{1,10})? ?|(\\'[0-9a-fA-F]{2}|\\[^a-z'])|([{}])|([^\\{}]+)|(\\)")
_COLOURS = re.compile(r"\{\\colortbl([^{}]*)\}")
_WHITE = re.compile(r"\\red25[3-5]\s*\\green25[3-5]\s*\\blue25[3-5]")
# Half points: two is a single point, a speck on the page.
_LEAST_SIZE = 2
_OFF = "0"


@dataclass(frozen=True, slots=True)
class _Look:
    """How the words that follow are set."""

    vanishes: bool = False
    tiny: bool = False
    pale: bool = False
    marked: bool = False


class _Reader:
    def __init__(self, markup: str) -> None:
        self.white = _white(markup)
        self.look = _Look()
        self.around: list[_Look] = []
        self.shaded_row = False
        self.shaded = False
        self.dropped = False

    def kept(self, markup: str) -> Iterator[str]:
        for found in _TOKEN.finditer(markup):
            word, number, sign, brace, text, _ = found.groups()
            if brace:
                self._group(brace)
            elif word:
                self._set(word, number)
            if self._hidden() and (text or sign or word == "u"):
                self.dropped = self.dropped or bool(text and text.strip()) or not text
                continue
            yield found.group()

    def _hidden(self) -> bool:
        look = self.look
        on_paper = not (look.marked or self.shaded or self.shaded_row)
        return look.vanishes or look.tiny or (look.pale and on_paper)

    def _group(self, brace: str) -> None:
        if brace == "{":
            self.around.append(self.look)
        elif self.around:
            self.look = self.around.pop()

    def _set(self, word: str, number: str | None) -> None:
        if word == "plain":
            self.look = _Look()
        elif word == "v":
            self.look = replace(self.look, vanishes=number != _OFF)
        elif word == "fs" and number:
            self.look = replace(self.look, tiny=int(number) <= _LEAST_SIZE)
        elif word == "cf":
            self.look = replace(self.look, pale=int(number or 0) in self.white)
        elif word in {"highlight", "chcbpat", "cb"}:
            self.look = replace(self.look, marked=int(number or 0) not in {0, *self.white})
        else:
            self._ground(word)

    def _ground(self, word: str) -> None:
        if word in {"trowd", "clcbpat"}:
            self.shaded_row = word == "clcbpat"
        elif word in {"pard", "cbpat"}:
            self.shaded = word == "cbpat"


def without_hidden(markup: str) -> tuple[str, bool]:
    """The file without what is not shown, and whether there was something of it."""
    reader = _Reader(markup)
    kept = "".join(reader.kept(markup))
    return kept, reader.dropped


def _white(markup: str) -> frozenset[int]:
    """The numbers of the colours that are the paper's; 0 is the writer's own, which is black."""
    table = _COLOURS.search(markup)
    colours = table.group(1).split(";") if table else []
    return frozenset(number for number, colour in enumerate(colours) if _WHITE.search(colour))
