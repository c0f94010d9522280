"""Whether words can be told from what lies behind them: colours as six hexadecimal digits, None where unknown."""

# Channels that differ by no more than this look the same on screen and paper.
_ALIKE = 12
PAPER = "FFFFFF"


def alike(text: str | None, ground: str | None) -> bool:
    """Whether text of one colour vanishes on the other; what is unknown is taken to be seen."""
    if text is None or ground is None:
        return False
    return all(abs(one - other) <= _ALIKE for one, other in zip(_channels(text), _channels(ground), strict=True))


def colour(digits: str) -> str | None:
    """``RRGGBB`` or ``AARRGGBB`` as ``RRGGBB``; None for what is none."""
    digits = digits.strip().lstrip("#")[-6:].upper()
    return digits if len(digits) == 6 and all(each in "0123456789ABCDEF" for each in digits) else None


def _channels(digits: str) -> tuple[int, int, int]:
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
