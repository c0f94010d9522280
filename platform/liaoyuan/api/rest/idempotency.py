"""``Idempotency-Key``: the same request sent twice has one effect and one answer, also when both come at once.

Where a view works in one transaction, the remembered answer lands or falls with it: a twin waits at the unique index
until the first has committed, then gets its answer; if the first failed, the twin does the work. A view that works
outside of a transaction (a model writes) claims the key first, and a twin is told to wait.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Status
from pydantic import BaseModel

from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.api.models import RememberedAnswer
from liaoyuan.errors import LiaoyuanError

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"
LONGEST: Final = 200
KEPT: Final = timedelta(hours=24)
# Longer than any answer takes: a claim whose process died ends by itself.
CLAIMED: Final = timedelta(minutes=10)
HEADERS_KEPT: Final = ("Location", "ETag")
NONCE: Final = 12
PURGED_AT_ONCE: Final = 50
JSON: Final = "application/json; charset=utf-8"

Work = Callable[[], Any]
Tenant = Callable[[], AbstractContextManager[Any]]


class IdempotencyKeyInvalid(LiaoyuanError):
    code = "idempotency_key_invalid"
    zh = "Idempotency-Key 须为 1 到 {longest} 个可见 ASCII 字符。"
    en = "An Idempotency-Key has 1 to {longest} visible ASCII characters."
    status = 422


class IdempotencyKeyReused(LiaoyuanError):
    code = "idempotency_key_reused"
    zh = "这个 Idempotency-Key 已用于另一个请求。请为不同的请求使用不同的键。"
    en = "This Idempotency-Key was used for another request. Use a new key for a new request."
    status = 422


class IdempotencyInProgress(LiaoyuanError):
    code = "idempotency_in_progress"
    zh = "同一 Idempotency-Key 的请求仍在处理。请几秒后重试，会得到它的结果。"
    en = "A request with this Idempotency-Key is still worked on. Ask again in some seconds for its answer."
    retryable = True
    status = 409


@dataclass(frozen=True)
class _Asked:
    """One keyed request: whose it is and what it says."""

    key: bytes
    digest: str
    fingerprint: str


def once(request: HttpRequest, principal: Principal, temporal: HttpResponse | None, work: Work) -> Any:
    """``work()``, or the answer that it gave before. Call inside the tenant context: both are one transaction."""
    asked = _asked(request, principal)
    if asked is None:
        return work()
    row, new = _claim(asked, KEPT)
    if not new:
        return _again(row, asked)
    answer = _response(work(), temporal)
    _remember(row, asked, answer)
    return answer


def once_apart(
    request: HttpRequest, principal: Principal, temporal: HttpResponse | None, work: Work, tenant: Tenant
) -> Any:
    """The same for ``work`` that opens contexts of its own; a failure gives the key free again."""
    asked = _asked(request, principal)
    if asked is None:
        return work()
    with tenant():
        row, new = _claim(asked, CLAIMED)
        if not new:
            return _again(row, asked)
    try:
        answer = _response(work(), temporal)
    except BaseException:
        with tenant():
            RememberedAnswer.objects.filter(id=row.id, status=0).delete()
        raise
    with tenant():
        _remember(row, asked, answer)
    return answer


def _asked(request: HttpRequest, principal: Principal) -> _Asked | None:
    sent = request.headers.get(HEADER)
    if sent is None:
        return None
    if not 1 <= len(sent) <= LONGEST or not all("!" <= sign <= "~" for sign in sent):
        raise IdempotencyKeyInvalid(longest=LONGEST)
    whose = f"{principal.user_id}\x00{sent}".encode()
    digest = hashlib.sha256(whose).hexdigest()
    key = hmac.new(settings.KEY_PEPPER.encode(), b"remembered answer\x00" + whose, hashlib.sha256).digest()
    return _Asked(key, digest, _fingerprint(request))


def _fingerprint(request: HttpRequest) -> str:
    """Method, address and body; files by name and content, since the lines around them differ each time."""
    found = hashlib.sha256(f"{request.method} {request.get_full_path()}\x00".encode())
    if request.content_type != "multipart/form-data":
        found.update(request.body)
        return found.hexdigest()
    for name, values in sorted(request.POST.lists()):
        found.update(json.dumps([name, values]).encode())
    for name, files in sorted(request.FILES.lists()):
        for file in files:
            content = hashlib.sha256()
            for block in file.chunks():
                content.update(block)
            file.seek(0)
            found.update(json.dumps([name, file.name, content.hexdigest()]).encode())
    return found.hexdigest()


def _claim(asked: _Asked, kept: timedelta) -> tuple[RememberedAnswer, bool]:
    now = timezone.now()
    expired = RememberedAnswer.objects.filter(expires_at__lte=now)
    expired.filter(digest=asked.digest).delete()
    purged = expired.select_for_update(skip_locked=True).values_list("id", flat=True)[:PURGED_AT_ONCE]
    RememberedAnswer.objects.filter(id__in=list(purged)).delete()
    return RememberedAnswer.objects.get_or_create(
        organization_id=current_tenant().organization_id,
        digest=asked.digest,
        defaults={"fingerprint": asked.fingerprint, "expires_at": now + kept},
    )


def _again(row: RememberedAnswer, asked: _Asked) -> HttpResponse:
    if row.fingerprint != asked.fingerprint:
        raise IdempotencyKeyReused
    if row.status == 0:
        raise IdempotencyInProgress
    sealed = bytes(row.sealed)
    body = AESGCM(asked.key).decrypt(sealed[:NONCE], sealed[NONCE:], asked.digest.encode())
    answer = HttpResponse(body, status=row.status, content_type=JSON, headers=row.headers)
    answer[REPLAYED] = "true"
    return answer


def _remember(row: RememberedAnswer, asked: _Asked, answer: HttpResponse) -> None:
    nonce = secrets.token_bytes(NONCE)
    row.sealed = nonce + AESGCM(asked.key).encrypt(nonce, answer.content, asked.digest.encode())
    row.status = answer.status_code
    row.headers = {name: answer[name] for name in HEADERS_KEPT if answer.has_header(name)}
    row.expires_at = timezone.now() + KEPT
    row.save(update_fields=["sealed", "status", "headers", "expires_at"])


def _response(result: Any, temporal: HttpResponse | None) -> HttpResponse:
    """What a view returned as the bytes that are sent, now and at every repetition."""
    status, value = (result.status_code, result.value) if isinstance(result, Status) else (200, result)
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    body = b"" if plain is None else json.dumps(plain, ensure_ascii=False).encode()
    answer = HttpResponse(body, status=status, content_type=JSON)
    for name in HEADERS_KEPT:
        if temporal is not None and temporal.has_header(name):
            answer[name] = temporal[name]
    return answer
