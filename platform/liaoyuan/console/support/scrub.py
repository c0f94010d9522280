"""Take out of log lines whatever is secret, personal or a tenant's own words.

Our log lines are English and hold identifiers; what is quoted, what is Chinese, and what a database statement carries
may be somebody's text, so it goes, whether or not it was.
"""

import re
from collections.abc import Iterable
from typing import Final

from liaoyuan.security.pii.scanner import scan
from liaoyuan.security.pii.spans import STRUCTURED, Label

GONE: Final = "[…]"
REDACTED: Final = "[secret]"
# PostgreSQL repeats a failed statement with its values, and Python its variables.
CARRIES_VALUES: Final = re.compile(r"\b(STATEMENT|DETAIL|CONTEXT|PARAMETERS?|QUERY|HINT)\b\s*[:=].*", re.IGNORECASE)
FAILING_ROW: Final = re.compile(r"(Key|Failing row contains)\s*\(.*")
BEARER: Final = re.compile(
    r"(?i)(\b(?:bearer|basic)\s+|\b(?:token|password|passwd|secret|api[_-]?key|cookie|sessionid)\b[\"']?\s*[:=]\s*)"
    r"(?!\[secret\])\S+"
)
KEY: Final = re.compile(r"\b(sk|pk|ly|iw|key)[-_][A-Za-z0-9_-]{8,}\b")
LONG_RANDOM: Final = re.compile(
    r"(?<![\w/.-])(?=[A-Za-z0-9_+-]*\d)(?=[A-Za-z0-9_+-]*[A-Za-z])[A-Za-z0-9_+-]{28,}(?![\w/.-])"
)
UUID: Final = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
MAIL: Final = re.compile(r"[\w.+%-]+@[\w-]+(\.[\w-]+)*")
PASSWORD_IN_URL: Final = re.compile(r"(\w+://[^\s:/@]*):[^\s/@]+@")
ENTER: Final = re.compile(r"(/enter/|#)[\w-]{16,}")
QUERY: Final = re.compile(r"\?[^\s\"']*=[^\s\"']*")
SOURCE: Final = re.compile(r'^\s*File "[^"]*", line \d+')
QUOTED: Final = re.compile(r"“[^”]*”|「[^」]*」|《[^》]*》|\"(?:[^\"\\]|\\.)*\"|(?<![\w])'(?:[^'\\]|\\.)*'(?!\w)")
# Han, kana, hangul and the full-width signs between them.
CHINESE: Final = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]+")
LONGEST: Final = 600
# Times and loopback addresses are why one reads a log; names in English prose cannot be told from words of a program.
NUMBERS: Final = STRUCTURED - {Label.IP, Label.DOB}


class Scrubber:
    """``secrets`` and ``names`` (organizations, people, their addresses) go wherever they stand."""

    def __init__(self, *, secrets: Iterable[str], names: Iterable[str] = ()) -> None:
        self._secrets = [text for text in sorted(set(secrets), key=len, reverse=True) if text]
        self._names = [text for text in sorted(set(names), key=len, reverse=True) if len(text) > 1]

    def line(self, text: str) -> str:
        """One line of a log as it may leave the house."""
        text = self.literal(text[: 4 * LONGEST])
        if SOURCE.match(text):
            return text[:LONGEST]
        text = PASSWORD_IN_URL.sub(rf"\1:{REDACTED}@", text)
        text = CARRIES_VALUES.sub(lambda found: f"{found.group(1)}: {GONE}", text)
        text = FAILING_ROW.sub(rf"\1 ({GONE})", text)
        text = ENTER.sub(rf"\1{REDACTED}", text)
        text = BEARER.sub(rf"\1{REDACTED}", text)
        text = KEY.sub(REDACTED, text)
        text = QUOTED.sub(GONE, text)
        text = QUERY.sub(f"?{GONE}", text)
        text = MAIL.sub(GONE, text)
        text = CHINESE.sub(GONE, text)
        text = LONG_RANDOM.sub(lambda found: found.group() if UUID.match(found.group()) else REDACTED, text)
        return self._personal(text)[:LONGEST]

    def literal(self, text: str) -> str:
        """Only the known secrets and names taken out: for what is not a log line."""
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        for name in self._names:
            text = text.replace(name, GONE)
        return text

    def _personal(self, text: str) -> str:
        """Numbers of identity cards, telephones, bank cards and the like, as the platform itself finds them."""
        for span in reversed(scan(text, NUMBERS)):
            text = text[: span.start] + GONE + text[span.end :]
        return text
