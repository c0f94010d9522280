"""Credentials at rest: AES-256-GCM under a key derived from the platform's secret, bound to one row of one tenant."""

import base64
import json
import secrets
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_VERSION: Final = "v1"
_NONCE: Final = 12


class SealBroken(Exception):
    """The text was sealed under another secret, or for another row."""


def seal(values: dict[str, Any], *, organization_id: UUID, source_id: UUID) -> str:
    """``values`` as text that only this row of this tenant can be read from."""
    nonce = secrets.token_bytes(_NONCE)
    sealed = AESGCM(_key()).encrypt(nonce, json.dumps(values).encode(), _place(organization_id, source_id))
    return f"{_VERSION}:{base64.b64encode(nonce + sealed).decode()}"


def unseal(text: str, *, organization_id: UUID, source_id: UUID) -> dict[str, Any]:
    """The inverse. Raises SealBroken."""
    version, _, packed = text.partition(":")
    try:
        raw = base64.b64decode(packed, validate=True)
        plain = AESGCM(_key()).decrypt(raw[:_NONCE], raw[_NONCE:], _place(organization_id, source_id))
    except (InvalidTag, ValueError) as error:
        raise SealBroken from error
    if version != _VERSION:
        raise SealBroken
    return dict(json.loads(plain))


def _key() -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"liaoyuan source credentials v1").derive(settings.SECRET_KEY.encode())


def _place(organization_id: UUID, source_id: UUID) -> bytes:
    """A ciphertext that is copied to another row or tenant opens nothing."""
    return f"knowledge_source|{organization_id}|{source_id}".encode()
