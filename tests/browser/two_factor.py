"""A member of the hospital for whom nothing is set up yet, and the codes that an authenticator app would show."""

import base64
import hashlib
import hmac
import struct
import time
import uuid

from tests.browser.conftest import PASSWORD, Hospital, in_thread


def person_new(hospital: Hospital) -> str:
    """The address of a new viewer."""
    from liaoyuan.accounts.models import Role
    from liaoyuan.accounts.services import member_add, user_create
    from liaoyuan.accounts.tenancy import tenant_context

    email = f"viewer-{uuid.uuid4().hex[:8]}@example.org"

    def make() -> None:
        with tenant_context(hospital.organization_id):
            user, _ = user_create(email=email, password=PASSWORD)
            member_add(user=user, role=Role.VIEWER)

    in_thread(make)
    return email


def code_now(secret: str) -> str:
    """RFC 6238 with its usual parameters."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.new(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    start = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[start : start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"
