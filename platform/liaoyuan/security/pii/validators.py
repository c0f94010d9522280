"""Check digits and value ranges: what tells an identity number from a serial number of the same length."""

import ipaddress
from datetime import UTC, date, datetime

# GB/T 2260 province codes; 81-83 are residence permits of Hong Kong, Macao and Taiwan residents, 91 foreigners.
REGIONS = frozenset(
    {
        *map(
            str,
            (
                *range(11, 16),
                *range(21, 24),
                *range(31, 38),
                *range(41, 47),
                *range(50, 55),
                *range(61, 66),
                71,
                81,
                82,
                83,
                91,
            ),
        )
    }
)
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_CARD_LENGTHS = {
    "4": (16, 19),
    "5": (16,),
    "34": (15,),
    "37": (15,),
    "35": (16,),
    "6011": (16,),
    "62": range(16, 20),
    "9558": (19,),
}
EARLIEST_BIRTH = 1900


def real_date(year: int, month: int, day: int) -> bool:
    """Whether the calendar has that day and a living person can have been born on it."""
    try:
        born = date(year, month, day)
    except ValueError:
        return False
    return born.year >= EARLIEST_BIRTH and born <= datetime.now(tz=UTC).date()


def identity_card(number: str) -> bool:
    """Chinese resident identity card, 18 characters: region, date of birth, ISO 7064 MOD 11-2 (GB 11643)."""
    if not _identity_shape(number):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, _ID_WEIGHTS, strict=False))
    return _ID_CHECKS[total % 11] == number[17]


def looks_like_identity_card(number: str) -> bool:
    """Region and date are right whatever the check digit: such a number is nothing else either."""
    return _identity_shape(number)


def _identity_shape(number: str) -> bool:
    if len(number) != 18 or not number[:17].isdigit() or number[:2] not in REGIONS:
        return False
    return real_date(int(number[6:10]), int(number[10:12]), int(number[12:14]))


def old_identity_card(number: str) -> bool:
    """The 15-digit form issued until 1999; it has no check digit."""
    if len(number) != 15 or not number.isdigit() or number[:2] not in REGIONS:
        return False
    return real_date(1900 + int(number[6:8]), int(number[8:10]), int(number[10:12]))


def luhn(number: str) -> bool:
    """ISO/IEC 7812 check digit."""
    total = 0
    for index, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + index % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0 and len(set(number)) > 1


def card_scheme(number: str) -> bool:
    """Whether issuer prefix and length belong together (ISO/IEC 7812 ranges in use)."""
    return any(number.startswith(prefix) and len(number) in lengths for prefix, lengths in _CARD_LENGTHS.items())


def credit_code(number: str) -> bool:
    """Unified social credit code, 18 characters, MOD 31-3 (GB 32100)."""
    if len(number) != 18 or not number[2:8].isdigit() or any(letter not in _USCC_ALPHABET for letter in number):
        return False
    total = sum(_USCC_ALPHABET.index(letter) * weight for letter, weight in zip(number, _USCC_WEIGHTS, strict=False))
    return _USCC_ALPHABET[(31 - total % 31) % 31] == number[17]


def iban(number: str) -> bool:
    """International bank account number, MOD 97-10 (ISO 13616)."""
    if not 15 <= len(number) <= 34 or not number[:2].isalpha():
        return False
    digits = "".join(str(int(letter, 36)) for letter in number[4:] + number[:4])
    return int(digits) % 97 == 1


def social_security_us(number: str) -> bool:
    """Area, group and serial that the US administration may issue."""
    area, group, serial = number[:3], number[3:5], number[5:]
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def ip_address(text: str) -> bool:
    """IPv4 without leading zeros, or IPv6."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
