"""One spelling for search: what a reader sees as the same must compare as the same."""

import re
import unicodedata

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\U000e0000-\U000e007f]")
_SPACE = re.compile(r"\s+")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_GAP_BETWEEN_HAN = re.compile("(?<=[\u3400-\u9fff])[ \u3000\t]+(?=[\u3400-\u9fff])")


def normalise(text: str) -> str:
    """Folds ``text`` for comparison: NFKC, lower case, no invisible characters, single spaces, none between Han.

    Lengths change, so offsets never travel through this function: quotes are cut from the original.
    """
    folded = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).lower()
    return _GAP_BETWEEN_HAN.sub("", _SPACE.sub(" ", folded)).strip()


def squeeze(text: str) -> str:
    """The folded text with every space gone: for substring tests across line breaks of hard-wrapped pages."""
    return normalise(text).replace(" ", "")


def is_chinese(text: str) -> bool:
    """Whether Han characters make up at least a fifth of the letters."""
    letters = sum(character.isalpha() for character in text)
    return letters > 0 and len(_HAN.findall(text)) / letters >= 0.2
