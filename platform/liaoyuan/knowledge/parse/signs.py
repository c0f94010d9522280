"""Signs that a file gives by a font instead of by their character, and digits that stand high or low."""

from typing import Final

_GREEK: Final = "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ"
_SMALL_GREEK: Final = "αβχδεϕγηιφκλμνοπθρστυϖωξψζ"
_SYMBOL: Final = (
    dict(enumerate(_GREEK, 0x41))
    | dict(enumerate(_SMALL_GREEK, 0x61))
    | dict(enumerate("!∀#∃%&∋()∗+,−./0123456789:;<=>?≅", 0x21))
    | dict(enumerate("ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…", 0xA1))
    | dict(enumerate("ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊", 0xC0))
    | {0x5B: "[", 0x5C: "∴", 0x5D: "]", 0x5E: "⊥", 0x7B: "{", 0x7C: "|", 0x7D: "}", 0x7E: "∼", 0xE5: "∑", 0xF2: "∫"}
)
_WINGDINGS: Final = {
    0x6C: "●", 0x6E: "■", 0x6F: "☐", 0x71: "❑", 0x76: "❖", 0x77: "◆", 0x9F: "•", 0xA7: "▪", 0xA8: "☐", 0xD8: "➢",
    0xDF: "←", 0xE0: "→", 0xE1: "↑", 0xE2: "↓", 0xE8: "➔", 0xF0: "⇨", 0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑",
}  # fmt: skip
_WINGDINGS_2: Final = {0x50: "✓", 0x51: "☒", 0x52: "☑", 0x53: "☒", 0x54: "☒", 0xA3: "☐"}
_FONTS: Final = {"symbol": _SYMBOL, "wingdings": _WINGDINGS, "wingdings 2": _WINGDINGS_2}
_HIGH: Final = str.maketrans("0123456789+-−()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾ⁿ")
_LOW: Final = str.maketrans("0123456789+-−()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₍₎")


def sign(font: str, code: int) -> str:
    """The character that ``font`` draws for ``code``; empty where that is not known."""
    return _FONTS.get(font.lower(), {}).get(code & 0xFF, "")


def signs(font: str, text: str) -> str:
    """``text`` with the characters that a font of signs draws for those of the private area."""
    if font.lower() not in _FONTS:
        return text
    return "".join(sign(font, ord(each)) or each if 0xF020 <= ord(each) <= 0xF0FF else each for each in text)


def raised(text: str) -> str:
    """10 and a high 3 are no hundred and three: digits as high ones; what has no such form stays."""
    high = text.translate(_HIGH)
    return high if any(map(str.isdigit, text)) and not any(a == b for a, b in zip(text, high, strict=True)) else text


def lowered(text: str) -> str:
    """The same for digits that stand low."""
    low = text.translate(_LOW)
    return low if any(map(str.isdigit, text)) and not any(a == b for a, b in zip(text, low, strict=True)) else text
