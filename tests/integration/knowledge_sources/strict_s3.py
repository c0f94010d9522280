"""An S3 server that takes Amazon's rules by the letter. It shares no line with the client: it checks the signature from
the request as it arrived (SigV4, "Authenticating Requests" of the API reference), the clock, the key, the pages."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

SKEW: Final = timedelta(minutes=15)
UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
Answer = tuple[int, dict[str, str], bytes]


class Refused(Exception):
    """A status and a code of Amazon's list of errors."""

    def __init__(self, status: int, code: str) -> None:
        self.status, self.code = status, code
        super().__init__(code)


def encoded(text: str, *, slash: bool) -> str:
    """Amazon's UriEncode: every byte but the unreserved ones, in capitals."""
    kept = UNRESERVED | (frozenset() if slash else frozenset(b"/"))
    return "".join(chr(byte) if byte in kept else f"%{byte:02X}" for byte in text.encode())


@dataclass
class StrictS3:
    """One bucket. ``most`` caps a page below what is asked; ``ahead`` is by how much the server's clock is ahead."""

    objects: dict[str, bytes] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=lambda: {"AKIASTRICT": "strict/secret+with=signs"})
    region: str = "cn-north-1"
    bucket: str = "docs"
    most: int = 1000
    ahead: timedelta = timedelta()
    parts: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def answer(self, handler: Any) -> Answer:
        try:
            self._authenticate(handler)
            return self._serve(handler)
        except Refused as refused:
            body = f"<?xml version='1.0'?><Error><Code>{refused.code}</Code><Message>no</Message></Error>"
            return refused.status, {"Content-Type": "application/xml"}, body.encode()

    def _authenticate(self, handler: Any) -> None:
        kind, _, rest = handler.headers.get("Authorization", "").partition(" ")
        given = dict(part.strip().split("=", 1) for part in rest.split(",")) if rest else {}
        if kind != "AWS4-HMAC-SHA256" or set(given) != {"Credential", "SignedHeaders", "Signature"}:
            raise Refused(403, "AccessDenied")
        access, day, *scope = given["Credential"].split("/")
        if scope != [self.region, "s3", "aws4_request"]:
            raise Refused(400, "AuthorizationHeaderMalformed")
        if access not in self.keys:
            raise Refused(403, "InvalidAccessKeyId")
        stamp = handler.headers.get("x-amz-date", "")
        at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if not stamp.startswith(day) or abs(datetime.now(UTC) + self.ahead - at) > SKEW:
            raise Refused(403, "RequestTimeTooSkewed")
        expected = self._signature(handler, given["SignedHeaders"], self.keys[access], stamp, day)
        if not hmac.compare_digest(expected, given["Signature"]):
            raise Refused(403, "SignatureDoesNotMatch")

    def _signature(self, handler: Any, signed: str, secret: str, stamp: str, day: str) -> str:
        names = signed.split(";")
        sent = {name.lower() for name in handler.headers}
        must = {"host"} | {name for name in sent if name.startswith("x-amz-")}
        if names != sorted(names) or not must <= set(names) <= sent:
            raise Refused(403, "AccessDenied")
        payload = handler.headers.get("x-amz-content-sha256", "")
        if payload != hashlib.sha256(b"").hexdigest():
            raise Refused(400, "XAmzContentSHA256Mismatch")
        raw_path, _, raw_query = handler.path.partition("?")
        pairs = sorted(
            (encoded(name, slash=True), encoded(value, slash=True))
            for name, value in parse_qsl(raw_query, keep_blank_values=True)
        )
        canonical = "\n".join(
            [
                handler.command,
                encoded(unquote(raw_path), slash=False),
                "&".join(f"{name}={value}" for name, value in pairs),
                *(f"{name}:{' '.join(handler.headers[name].split())}" for name in names),
                "",
                signed,
                payload,
            ]
        )
        scope = f"{day}/{self.region}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = f"AWS4{secret}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.digest(key, text.encode(), "sha256").hex()

    def _serve(self, handler: Any) -> Answer:
        self.asked.append(handler.path)
        raw_path, _, raw_query = handler.path.partition("?")
        bucket, _, key = unquote(raw_path.lstrip("/")).partition("/")
        if bucket != self.bucket:
            raise Refused(404, "NoSuchBucket")
        if not key:
            return 200, {"Content-Type": "application/xml"}, self._list(dict(parse_qsl(raw_query)))
        if key not in self.objects:
            raise Refused(404, "NoSuchKey")
        if handler.headers.get("If-None-Match") == self.etag(key):
            return 304, {"ETag": self.etag(key)}, b""
        return 200, {"ETag": self.etag(key)}, self.objects[key]

    def etag(self, key: str) -> str:
        """Of what was uploaded in parts it is no digest of the content, and another after the same content again."""
        digest = hashlib.md5(self.objects[key], usedforsecurity=False).hexdigest()
        return f'"{digest}-{self.parts[key]}"' if key in self.parts else f'"{digest}"'

    def _list(self, query: dict[str, str]) -> bytes:
        if query.get("list-type") != "2":
            raise Refused(400, "InvalidArgument")
        after = base64.b64decode(query["continuation-token"]).decode() if "continuation-token" in query else ""
        found = sorted(key for key in self.objects if key.startswith(query.get("prefix", "")) and key > after)
        shown = found[: min(self.most, int(query.get("max-keys", "1000")))]
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>"
            f"{escape(self.etag(key), {chr(34): '&quot;'})}</ETag><Size>{len(self.objects[key])}</Size></Contents>"
            for key in shown
        )
        more = len(found) > len(shown)
        token = base64.b64encode(shown[-1].encode()).decode() if more else ""
        following = f"<NextContinuationToken>{token}</NextContinuationToken>" if more else ""
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>{self.bucket}</Name><KeyCount>{len(shown)}</KeyCount>"
            f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{following}{rows}</ListBucketResult>"
        ).encode()
