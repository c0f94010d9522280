"""Bytes to text without guessing wildly: marks first, then strict decoders, then counted evidence."""

import re

from charset_normalizer import from_bytes

from liaoyuan.knowledge.parse.mojibake import repaired

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_COMMON_SIMPLIFIED = frozenset(
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经条例规定应当机构部门"
)
_COMMON_TRADITIONAL = frozenset(
    "的一是在不了有和人這中大為上個國我以要他時來用們生到作地於出就分對成會可主發年動同工也能下過子說產種面而方後多定行學法所民得經條例規定應當機構部門"
)
_EASTERN = (
    ("gb18030", _COMMON_SIMPLIFIED),
    ("big5hkscs", _COMMON_TRADITIONAL),
    ("shift_jis", frozenset("のにはをたがで")),
    ("euc_jp", frozenset("のにはをたがで")),
    ("euc_kr", frozenset("이다는의에을를고한가지은로기하사")),
)
_SEVEN_BIT = re.compile(r"(?:iso-?2022|hz|utf-?7)", re.IGNORECASE)
_GB_PAIR = re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]")
_HIGH = re.compile(rb"[\x80-\xff]+")
_WESTERN_LETTERS = frozenset(
    bytes([byte]) for byte in "àâäáãåæçèéêëìíîïñòóôöõøùúûüÀÂÄÁÅÆÇÈÉÊËÍÎÑÓÔÖØÙÚÜß«»°£§©®–—‘’“”…€".encode("cp1252")
)
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,32})""", re.IGNORECASE)


def decode(data: bytes, declared: str | None = None) -> tuple[str, bool]:
    """Returns (text, whether characters were lost). ``declared`` is tried first among the legacy encodings."""
    text, lost = _decode(data, declared)
    return repaired(text), lost


def _decode(data: bytes, declared: str | None) -> tuple[str, bool]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            marked = _lenient(data, encoding)
            # A mark says how a file began; what was appended to it later may be of another encoding.
            mixed = _by_line(data.removeprefix(mark)) if marked[1] and encoding == "utf-8-sig" else None
            return mixed or marked
    if declared and _SEVEN_BIT.match(declared):
        # Written in ASCII bytes, so that any other decoder would take the escapes for the text.
        escaped = _strict(data, declared)
        if escaped is not None:
            return escaped, False
    wide = _unmarked_utf16(data)
    if wide:
        return _lenient(data, wide)
    for named in ("utf-8", declared):
        text = _strict(data, named) if named else None
        if text is not None:
            return text, False
    return _legacy(data)


def declared_encoding(data: bytes) -> str | None:
    """The encoding that HTML or XML names in its first 2 KB."""
    found = _DECLARED.search(data[:2048])
    name = found.group(1).decode("ascii").lower() if found else None
    # GB2312 and GBK are subsets, and files that say so often use more.
    return "gb18030" if name in {"gb2312", "gbk", "gb_2312-80"} else name


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _lenient(data: bytes, encoding: str) -> tuple[str, bool]:
    text = data.decode(encoding, errors="replace")
    return text, "\ufffd" in text


def _unmarked_utf16(data: bytes) -> str | None:
    sample = data[:4096]
    if len(sample) < 4 or b"\x00" not in sample:
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = len(sample) / 2
    if odd > half * 0.2 and even < half * 0.05:
        return "utf-16-le"
    return "utf-16-be" if even > half * 0.2 and odd < half * 0.05 else None


def _legacy(data: bytes) -> tuple[str, bool]:
    scored = []
    for encoding, common in _EASTERN:
        text = _strict(data, encoding)
        if text is not None:
            scored.append((_evidence(text, common), encoding, text))
    scored.sort(reverse=True)
    if scored and scored[0][0] > 0.04:
        return scored[0][2], False
    mixed = _by_line(data)
    if mixed is not None:
        return mixed
    short = _plain_gb(data) or _western(data)
    if short is not None:
        return short, False
    best = from_bytes(data[:200_000]).best()
    if best is not None:
        return _lenient(data, best.encoding)
    return _lenient(data, "gb18030" if scored else "utf-8")


def _plain_gb(data: bytes) -> str | None:
    """A list of names and numbers has none of the commonest words: there it tells that nearly every character is one
    of the 3,755 that Chinese schools teach first, or punctuation."""
    pairs = _GB_PAIR.findall(data[:20_000])
    plain = sum(0xB0 <= pair[0] <= 0xD7 or pair[0] in {0xA1, 0xA3} for pair in pairs)
    return _strict(data, "gb18030") if pairs and plain >= 0.9 * len(pairs) else None


def _western(data: bytes) -> str | None:
    """Single letters with accents inside of ASCII words, and those that Western European has."""
    high = _HIGH.findall(data[:200_000])
    usual = sum(run in _WESTERN_LETTERS for run in high)
    return _strict(data, "cp1252") if high and usual >= 0.9 * len(high) else None


def _by_line(data: bytes) -> tuple[str, bool] | None:
    """Logs and merged exports change their encoding midway: each line is UTF-8, GB18030 or, where it is nearly plain
    ASCII, Western European; and nearly all are one of them."""
    lines, lost = [], 0
    for line in data.splitlines(keepends=True):
        western = ("cp1252",) if sum(byte > 0x7F for byte in line) * 4 < len(line) else ()
        names = ("utf-8", "gb18030", *western)
        text = next((text for name in names if (text := _strict(line, name)) is not None), None)
        lost += text is None
        lines.append(text if text is not None else line.decode("gb18030", "replace"))
    whole = "".join(lines)
    convincing = lost <= len(lines) * 0.02 and _evidence(whole, _COMMON_SIMPLIFIED) > 0.04
    return (whole, lost > 0) if convincing and len(lines) > 1 else None


def _evidence(text: str, common: frozenset[str]) -> float:
    letters = [character for character in text[:20_000] if ord(character) > 0x7F]
    return sum(character in common for character in letters) / len(letters) if letters else 0.0
