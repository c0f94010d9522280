"""API keys: ``ly_<id>_<secret>``. The id finds the row, an HMAC proves the secret, which is kept nowhere."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final

from django.conf import settings

PREFIX: Final = "ly"
ID_BYTES: Final = 6
SECRET_BYTES: Final = 32
_SHAPE: Final = re.compile(rf"{PREFIX}_([0-9a-f]{{{2 * ID_BYTES}}})_([A-Za-z0-9_-]{{1,128}})")


@dataclass(frozen=True)
class KeyParts:
    """A key as presented: ``prefix`` is public, ``secret`` is not."""

    prefix: str
    secret: str


def key_make() -> tuple[str, str, str]:
    """A new key, its prefix and its digest. The key has 256 bits of randomness and is shown once."""
    prefix, secret = secrets.token_hex(ID_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    return f"{PREFIX}_{prefix}_{secret}", prefix, secret_digest(secret)


def key_split(raw: str) -> KeyParts | None:
    """The parts of a well-formed key, else None."""
    shape = _SHAPE.fullmatch(raw.strip())
    return KeyParts(prefix=shape[1], secret=shape[2]) if shape else None


def secret_digest(secret: str, *, purpose: str = "api-key") -> str:
    """HMAC-SHA256 under the machine's pepper; ``purpose`` keeps an invitation's token from ever passing as a key."""
    return hmac.new(settings.KEY_PEPPER.encode(), f"{purpose}:{secret}".encode(), hashlib.sha256).hexdigest()


def digest_equal(first: str, second: str) -> bool:
    """Constant-time comparison."""
    return hmac.compare_digest(first, second)
