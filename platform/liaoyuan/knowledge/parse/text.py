"""Text hygiene: what is invisible is removed and said so, and wrapped lines are joined as their language wants."""

import re
import unicodedata

# Bidirectional overrides, zero-width characters, invisible operators and tag characters: they change what a model
# reads without changing what a person sees.
_HIDDEN = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\u180e\U000e0000-\U000e007f]")
_JOINERS = re.compile("(?<![\u0590-\u109f\u1780-\u18af\u200d\ufe0f\u2190-\u2bff\U0001f000-\U0001ffff])[\u200c\u200d]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")
_SPACES = re.compile("[ \t\u00a0\u2000-\u200a\u202f\u205f]+")
_SOFT_HYPHEN = re.compile("\u00ad\\s*\n?\\s*")

_CJK = (
    "\u2e80-\u2fdf\u3000-\u303f\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\ufe30-\ufe4f\uff01-\uff65\U00020000-\U0003134f"
)
CJK_CHARACTER = re.compile(f"[{_CJK}]")
_CJK_GAP = re.compile(f"(?<=[{_CJK}]) (?=[{_CJK}])")
_TERMINAL = re.compile("[。！？!?；;：:.…”’」』）)】]\\s*$")


def clean(text: str, *, keep_spaces: bool = False) -> tuple[str, bool]:
    """Returns (clean text, whether something hidden was removed).

    NFC; controls, zero-width and bidirectional marks go; runs of blanks become one unless ``keep_spaces``.
    """
    if text.isascii() and not _CONTROL.search(text):
        return (text if keep_spaces else _tidy(text)), False
    text = _SOFT_HYPHEN.sub("", text.removeprefix("\ufeff"))
    visible = _JOINERS.sub("", _HIDDEN.sub("", text))
    hidden = visible != text
    visible = unicodedata.normalize("NFC", _CONTROL.sub("", visible))
    return (visible if keep_spaces else _tidy(visible)), hidden


def _tidy(text: str) -> str:
    lines = (
        _SPACES.sub(" ", line).strip(" \u3000") for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    )
    return "\n".join(line for line in lines if line)


def is_cjk(character: str) -> bool:
    """Whether the character is Chinese, Japanese or their punctuation (full width)."""
    return bool(CJK_CHARACTER.match(character))


def join_lines(left: str, right: str) -> str:
    """One wrapped line becomes whole: no blank between Chinese characters, no hyphen inside an English word."""
    if not left or not right:
        return left + right
    if left[-1] in "\u00ad\u0002":
        return left[:-1] + right
    if left[-1] == "-" and len(left) > 1 and left[-2].isalpha() and right[0].islower():
        return left[:-1] + right
    if is_cjk(left[-1]) or is_cjk(right[0]):
        return left + right
    return f"{left} {right}"


def close_cjk_gaps(text: str) -> str:
    """Removes blanks between Chinese characters where a justified line has them nearly everywhere; a few are meant."""
    gaps = len(_CJK_GAP.findall(text))
    return _CJK_GAP.sub("", text) if gaps > 3 and gaps > 0.3 * len(CJK_CHARACTER.findall(text)) else text


def ends_sentence(text: str) -> bool:
    """Whether the text ends with a mark after which a new paragraph may begin."""
    return bool(_TERMINAL.search(text))


# "第一章 总则 ............ 3": an entry of a table of contents. What leads the eye is no text.
_LEADERS = re.compile(r"\s*(?:[.．·•・⋯…_]\s?){5,}\s*(\(?(?:\d{1,4}|[ivxlcIVXLC]{1,6})\)?)$")
_ENTRY = re.compile(r" …… \(?(?:\d{1,4}|[ivxlcIVXLC]{1,6})\)?$")


def without_leaders(text: str) -> str:
    """An entry of a table of contents with a short mark in place of its dots; other text as it is."""
    return _LEADERS.sub(r" …… \1", text) if len(text) > 6 else text


def is_contents_entry(text: str) -> bool:
    """Whether the text is an entry of a table of contents, as ``without_leaders`` leaves it."""
    return bool(_ENTRY.search(text))


def plain(text: str) -> str:
    """One line, without breaks or tabs: for titles and locators."""
    return " ".join(text.split())
