"""Objects of a bucket, through the two calls that every S3-compatible server has: list and get."""

import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

import httpcore
from lxml import etree

from liaoyuan.knowledge.parse.safe_xml import xml_parse
from liaoyuan.knowledge.sources.connector import Entry, Fetched, Known, byte_limit, write_bounded
from liaoyuan.knowledge.sources.errors import (
    ClockWrong,
    CredentialsRefused,
    ItemTooLarge,
    ItemUnreadable,
    SourceUnreachable,
)
from liaoyuan.knowledge.sources.settings import S3Credentials, S3Settings
from liaoyuan.knowledge.sources.signing import query_text, signed_headers

_TIMEOUT: Final = {"connect": 10.0, "read": 30.0, "write": 30.0, "pool": 10.0}
_LONGEST_LISTING: Final = 16 << 20
_WRONG_CLOCK: Final = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
_NOT_YOURS: Final = frozenset({"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"})


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    blocks: Iterable[bytes]


class Bucket:
    """One bucket, or what lies below a path in it."""

    def __init__(self, settings: S3Settings, credentials: S3Credentials) -> None:
        self._settings = settings
        self._credentials = credentials
        self._endpoint = urlsplit(settings.endpoint)

    def document_name(self, key: str) -> str:
        """Without the path that all of them share."""
        return key.removeprefix(self._settings.path).lstrip("/") or key

    def entries(self) -> Iterator[Entry]:
        """Objects by key, a thousand at a time. Raises SourceUnreachable, CredentialsRefused."""
        token = ""
        while True:
            query = [("list-type", "2"), ("prefix", self._settings.path), ("max-keys", "1000")]
            with self._asked("", [*query, *([("continuation-token", token)] if token else [])]) as response:
                root = _xml(response)
            for found in _all(root, "Contents"):
                if entry := _entry(found):
                    yield entry
            following = _text(root, "NextContinuationToken")
            if _text(root, "IsTruncated") != "true" or not following or following == token:
                return
            token = following

    def fetch(self, key: str, known: Known, folder: Path) -> Fetched:
        """One object, unless it is the one we have. Raises ItemTooLarge, ItemUnreadable besides."""
        headers = {"If-None-Match": known.etag} if known.etag else {}
        with self._asked(key, [], headers) as response:
            if response.status == 304:
                return Fetched(None, known.sha256, etag=known.etag, modified=known.modified)
            announced = response.headers.get("content-length", "")
            if announced.isdecimal() and int(announced) > byte_limit():
                raise ItemTooLarge(limit=byte_limit() >> 20)
            target = folder / "content"
            sha256, size = write_bounded(response.blocks, target, byte_limit())
            etag = response.headers.get("etag", "")
            return Fetched(target, sha256, size, _marker(etag, size), etag[:300])

    @contextmanager
    def _asked(
        self, key: str, query: Sequence[tuple[str, str]], headers: Mapping[str, str] | None = None
    ) -> Iterator[_Answer]:
        host, path = self._place(key)
        signed = signed_headers(
            method="GET", host=host, path=path, query=query,
            headers={"accept-encoding": "identity"} | dict(headers or {}), region=self._settings.region,
            access_key=self._credentials.access_key, secret_key=self._credentials.secret_key, at=datetime.now(UTC),
        )  # fmt: skip
        url = httpcore.URL(
            scheme=self._endpoint.scheme.encode(),
            host=host.rpartition(":")[0].encode() if self._endpoint.port else host.encode(),
            port=self._endpoint.port,
            target=(f"{path}?{query_text(query)}" if query else path).encode(),
        )
        sent = [(name.encode(), value.encode()) for name, value in signed.items()]
        # No proxy of the process, no redirect, and no library that tidies the path: it is signed as it is sent.
        with httpcore.ConnectionPool(ssl_context=ssl.create_default_context()) as pool:
            try:
                with pool.stream("GET", url, headers=sent, extensions={"timeout": _TIMEOUT}) as response:
                    answer = _Answer(
                        response.status,
                        {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers},
                        response.iter_stream(),
                    )
                    if answer.status not in {200, 304}:
                        raise self._refused(answer, key)
                    yield answer
            except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
                raise SourceUnreachable(place=self._settings.endpoint, detail=type(error).__name__) from error

    def _place(self, key: str) -> tuple[str, str]:
        """Host and quoted path. A key is quoted as it is: its dots mean nothing to S3 and are never resolved here."""
        base = self._endpoint.path.rstrip("/")
        quoted = quote(key, safe="/-_.~")
        if self._settings.addressing == "virtual":
            return f"{self._settings.bucket}.{self._endpoint.netloc}", f"{base}/{quoted}"
        return self._endpoint.netloc, f"{base}/{self._settings.bucket}{f'/{quoted}' if key else ''}"

    def _refused(self, response: _Answer, key: str) -> Exception:
        code = ""
        try:
            code = _text(_xml(response), "Code")
        except SourceUnreachable:
            code = f"HTTP {response.status}"
        if code in _WRONG_CLOCK:
            return ClockWrong(place=self._settings.endpoint, detail=code)
        if response.status in {401, 403} or code in _NOT_YOURS:
            return CredentialsRefused(place=self._settings.endpoint, detail=code[:60])
        if key and response.status == 404:
            return ItemUnreadable(detail=code[:60] or "404")
        return SourceUnreachable(
            place=f"{self._settings.endpoint}/{self._settings.bucket}", detail=code[:60] or str(response.status)
        )


def _xml(response: _Answer) -> etree._Element:
    body = bytearray()
    for block in response.blocks:
        body += block
        if len(body) > _LONGEST_LISTING:
            raise SourceUnreachable(place="S3", detail="listing too long")
    try:
        return xml_parse(bytes(body))
    except etree.XMLSyntaxError as error:
        raise SourceUnreachable(place="S3", detail="no XML") from error


def _all(root: etree._Element, name: str) -> list[etree._Element]:
    """Children by local name: some servers leave Amazon's namespace out."""
    return [child for child in root if isinstance(child.tag, str) and etree.QName(child).localname == name]


def _text(root: etree._Element, name: str) -> str:
    found = _all(root, name)
    return (found[0].text or "") if found else ""


def _entry(found: etree._Element) -> Entry | None:
    key, size = _text(found, "Key"), _text(found, "Size")
    if not key or key.endswith("/") or len(key) > 1024 or not size.isdecimal():
        return None
    etag = _text(found, "ETag")
    error = ItemTooLarge(limit=byte_limit() >> 20) if int(size) > byte_limit() else None
    return Entry(key, _marker(etag, int(size)), int(size), _time(_text(found, "LastModified")), etag[:300], error=error)


def _marker(etag: str, size: int) -> str:
    return f"{etag.strip(chr(34))}-{size}"[:300]


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
