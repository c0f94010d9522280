"""Text that was decoded by a wrong encoding before it was saved: 中文 as ä¸­æ–‡. Undone where it is certain."""

import re
from typing import Final

# What Windows' Western code page shows for the bytes 80-9F, beside those that it leaves to Latin-1.
_WESTERN: Final = {
    ord(bytes([byte]).decode("cp1252")): byte
    for byte in range(0x80, 0xA0)
    if byte not in {0x81, 0x8D, 0x8F, 0x90, 0x9D}
}
_RUN = re.compile("[\u0080-\u00ff" + "".join(map(chr, _WESTERN)) + "]{2,}")
# What such a run may turn out to be. An Arabic letter is rather a diameter: Ø½.
_LIKELY = re.compile(
    "[\u00a0-\u024f\u2000-\u2bff\u3000-\u9fff\uac00-\ud7a3\uf900-\ufaff\ufe30-\uffef\U0001f000-\U0003134f]+"
)
# Fewer letters may be a word of somebody's language by chance.
_LEAST_LETTERS: Final = 8


def repaired(text: str) -> str:
    """``text``, or what it was before its UTF-8 was taken for Western European."""
    if text.isascii():
        return text
    runs = _RUN.findall(text)
    if len("".join(runs)) >= _LEAST_LETTERS and all(_from_western(run) for run in runs):
        return _RUN.sub(lambda found: _from_western(found.group()), text)
    return text


def _from_western(run: str) -> str:
    """Empty where ``run`` is not UTF-8 read as Western European."""
    try:
        found = bytes(_WESTERN.get(ord(letter), ord(letter)) for letter in run).decode("utf-8")
    except (UnicodeDecodeError, ValueError):
        return ""
    return found if _LIKELY.fullmatch(found) else ""
