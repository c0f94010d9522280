"""Objects of a bucket, through the two calls that every S3-compatible server has: list and get."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

import httpx
from lxml import etree

from liaoyuan.knowledge.parse.safe_xml import xml_parse
from liaoyuan.knowledge.sources.connector import BLOCK, Entry, Fetched, Known, byte_limit, write_bounded
from liaoyuan.knowledge.sources.errors import (
    CredentialsRefused,
    ItemTooLarge,
    ItemUnreadable,
    SourceUnreachable,
)
from liaoyuan.knowledge.sources.settings import S3Credentials, S3Settings
from liaoyuan.knowledge.sources.signing import query_text, signed_headers

_TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)
_LONGEST_LISTING: Final = 16 << 20
_NOT_YOURS: Final = frozenset({"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"})


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
            if response.status_code == 304:
                return Fetched(None, known.sha256, etag=known.etag, modified=known.modified)
            announced = response.headers.get("content-length", "")
            if announced.isdecimal() and int(announced) > byte_limit():
                raise ItemTooLarge(limit=byte_limit() >> 20)
            target = folder / "content"
            try:
                sha256, size = write_bounded(response.iter_raw(BLOCK), target, byte_limit())
            except httpx.HTTPError as error:
                raise ItemUnreadable(detail=type(error).__name__) from error
            etag = response.headers.get("etag", "")
            return Fetched(target, sha256, size, _marker(etag, size), etag[:300])

    @contextmanager
    def _asked(
        self, key: str, query: Sequence[tuple[str, str]], headers: Mapping[str, str] | None = None
    ) -> Iterator[httpx.Response]:
        host, path = self._place(key)
        signed = signed_headers(
            method="GET", host=host, path=path, query=query,
            headers={"accept-encoding": "identity"} | dict(headers or {}), region=self._settings.region,
            access_key=self._credentials.access_key, secret_key=self._credentials.secret_key, at=datetime.now(UTC),
        )  # fmt: skip
        asked = f"{path}?{query_text(query)}" if query else path
        url = httpx.URL(f"{self._endpoint.scheme}://{host}").copy_with(raw_path=asked.encode())
        # No proxy and no netrc of the process, and no redirect: the endpoint is the one that the operator named.
        with httpx.Client(timeout=_TIMEOUT, trust_env=False, follow_redirects=False) as client:
            try:
                with client.stream("GET", url, headers=signed) as response:
                    if response.status_code not in {200, 304}:
                        raise self._refused(response, key)
                    yield response
            except httpx.HTTPError as error:
                raise SourceUnreachable(place=self._settings.endpoint, detail=type(error).__name__) from error

    def _place(self, key: str) -> tuple[str, str]:
        """Host and quoted path. A key is quoted as it is: its dots mean nothing to S3 and are never resolved here."""
        base = self._endpoint.path.rstrip("/")
        quoted = quote(key, safe="/-_.~")
        if self._settings.addressing == "virtual":
            return f"{self._settings.bucket}.{self._endpoint.netloc}", f"{base}/{quoted}"
        return self._endpoint.netloc, f"{base}/{self._settings.bucket}{f'/{quoted}' if key else ''}"

    def _refused(self, response: httpx.Response, key: str) -> Exception:
        code = ""
        try:
            code = _text(_xml(response), "Code")
        except SourceUnreachable:
            code = f"HTTP {response.status_code}"
        if response.status_code in {401, 403} or code in _NOT_YOURS:
            return CredentialsRefused(place=self._settings.endpoint, detail=code[:60])
        if key and response.status_code == 404:
            return ItemUnreadable(detail=code[:60] or "404")
        return SourceUnreachable(
            place=f"{self._settings.endpoint}/{self._settings.bucket}", detail=code[:60] or str(response.status_code)
        )


def _xml(response: httpx.Response) -> etree._Element:
    body = bytearray()
    for block in response.iter_bytes(BLOCK):
        body += block
        if len(body) > _LONGEST_LISTING:
            raise SourceUnreachable(place=str(response.url.host), detail="listing too long")
    try:
        return xml_parse(bytes(body))
    except etree.XMLSyntaxError as error:
        raise SourceUnreachable(place=str(response.url.host), detail="no XML") from error


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
