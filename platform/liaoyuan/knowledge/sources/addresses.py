"""Which addresses on the network may be asked. One parser, one look-up; what was checked is what is connected to."""

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from django.conf import settings

from liaoyuan.knowledge.sources.errors import PageRefused, SourceNotAllowed, SourceUnreachable
from liaoyuan.knowledge.sources.settings import HOSTS

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(
    r"^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$"
)
# Addresses that carry an IPv4 address inside; what counts is where that one leads.
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_EMBEDDING: Final = (ipaddress.ip_network("64:ff9b:1::/48"), ipaddress.ip_network("2001::/32"))
_GLOBAL6: Final = ipaddress.ip_network("2000::/3")
# No user, no scope, nothing behind the bracket.
_NETLOC: Final = re.compile(r"^(\[[0-9A-Fa-f:.]+\]|[^\[\]:@%]+)(:\d{1,5})?$")
INTRANET: Final = "intranet:"
# Sent as they are; everything else, Han for one, is quoted.
_SENT: Final = "/%:@!$&()*+,;=~-._?"


@dataclass(frozen=True, slots=True)
class Target:
    """One address taken apart. ``target`` is path and query as they are sent."""

    url: str
    scheme: str
    host: str
    port: int
    target: str

    @property
    def host_header(self) -> str:
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port == _PORTS[self.scheme] else f"{shown}:{self.port}"


def target_of(url: str, base: str = "") -> Target:
    """Take ``url`` apart strictly; where parsers disagree it is refused. Raises PageRefused."""
    whole = urljoin(base, url) if base else url
    if not whole.isprintable() or any(letter in whole for letter in "\\ \t<>\"'`{}|^"):
        raise PageRefused(url=url[:200], why_zh="地址中有不允许的字符", why_en="it has characters that are not allowed")
    try:
        parts = urlsplit(whole)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode().lower() if ":" not in (parts.hostname or "") else None
    except (ValueError, UnicodeError) as error:
        raise PageRefused(url=url[:200], why_zh="地址不正确", why_en="it is no valid address") from error
    if parts.scheme not in _PORTS:
        raise PageRefused(url=url[:200], why_zh="只支持 http 和 https", why_en="only http and https are fetched")
    if not _NETLOC.match(parts.netloc):
        raise PageRefused(url=url[:200], why_zh="主机部分不正确", why_en="its host is not valid")
    host = host if host is not None else str(_ip(parts.hostname or "", url))
    if ":" not in host and not _HOST.match(host):
        raise PageRefused(url=url[:200], why_zh="主机名不正确", why_en="the host's name is not valid")
    query = f"?{quote(parts.query, safe=_SENT)}" if parts.query else ""
    target = (quote(parts.path, safe=_SENT) or "/") + query
    return Target(whole, parts.scheme, host.rstrip("."), port or _PORTS[parts.scheme], target)


def _ip(text: str, url: str) -> Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError as error:
        raise PageRefused(url=url[:200], why_zh="地址不正确", why_en="it is no valid address") from error


def host_allowed(target: Target) -> bool:
    """Whether the operator named the host; True in ``intranet`` where it may lie on a private address.

    Raises SourceNotAllowed where the operator did not name it.
    """
    standard = target.port == _PORTS[target.scheme]
    for rule in settings.SOURCE_WEB_HOSTS:
        intranet = rule.startswith(INTRANET)
        wanted = rule.removeprefix(INTRANET)
        name, _, port = wanted.rpartition(":") if re.search(r":\d+$", wanted) else (wanted, "", "")
        if (int(port) != target.port) if port else not standard:
            continue
        if name == target.host or (name.startswith("*.") and target.host.endswith(name[1:])):
            return intranet
        if name == "*" and not intranet:
            return False
    raise SourceNotAllowed(place=target.host_header, setting=HOSTS)


def public(address: Address) -> bool:
    """Whether an address is one of the open internet. Everything else is somebody's inside."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _inner(address)
        if inner is not None:
            return public(inner)
        if address not in _GLOBAL6 or any(address in network for network in _EMBEDDING):
            return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_loopback or address.is_link_local
    )


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def resolved(target: Target, *, intranet: bool) -> list[str]:
    """The host's addresses, looked up once. Raises SourceUnreachable, PageRefused if any of them is not public.

    A host that answers with a public and a private address is refused as a whole: that is how rebinding begins.
    """
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise SourceUnreachable(place=target.host, detail="DNS") from error
    addresses = list(dict.fromkeys(str(each[4][0]).split("%")[0] for each in found))
    if not addresses:
        raise SourceUnreachable(place=target.host, detail="DNS")
    if not intranet:
        addresses_check(target.url, addresses)
    return addresses


def addresses_check(url: str, addresses: Sequence[str]) -> None:
    """Raises PageRefused for an address that is not public."""
    if all(public(ipaddress.ip_address(address)) for address in addresses):
        return
    raise PageRefused(
        url=url[:200], why_zh="它指向内部网络地址，而运维人员没有把它列为内网主机",
        why_en="it leads to an internal address, and the operator does not name it as an intranet host",
    )  # fmt: skip
