"""The table of addresses by which others were led inside: each is refused, and before anything is connected to."""

import ipaddress
import socket
from typing import Any

import pytest

from liaoyuan.errors import LiaoyuanError
from liaoyuan.knowledge.sources.addresses import host_allowed, public, resolved, target_of
from liaoyuan.knowledge.sources.errors import PageRefused, SourceNotAllowed, SourceUnreachable

INSIDE = [
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",  # noqa: S104
    "224.0.0.1", "255.255.255.255", "192.0.0.1", "198.18.0.1", "::1", "::", "fd00::1", "fe80::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1",
    "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "::127.0.0.1", "100::1", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_an_inside_address_is_not_public(address: str) -> None:
    assert not public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_an_address_of_the_open_internet_is(address: str) -> None:
    assert public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "ftp://example.org/", "javascript:alert(1)",
        "//example.org/",
        "http://good.example@127.0.0.1/", "http://127.0.0.1\\@good.example/", "http://good.example\\.evil/",
        "http://good.example:80@evil.example/", "http://exa mple.org/", "http://example.org/\r\nHost: evil",
        "http:///x",
        "http://example.org:99999/", "http://[::1/", "http://exa\tmple.org/", "http://[fe80::1%25eth0]x/", "http://-/",
    ],
)  # fmt: skip
def test_an_address_on_which_parsers_disagree_is_refused(url: str) -> None:
    with pytest.raises(PageRefused):
        target_of(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.1/", "http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://0/", "http://[::1]/",
        "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://169.254.169.254/latest/meta-data/",
        "http://localhost/", "http://localhost./", "http://LOCALHOST/", "http://１２７.0.0.1/",
    ],
)  # fmt: skip
def test_no_spelling_of_an_inside_address_is_asked(url: str, settings: Any) -> None:
    settings.SOURCE_WEB_HOSTS = ["*"]
    with pytest.raises((PageRefused, SourceUnreachable)):
        target = target_of(url)
        resolved(target, intranet=host_allowed(target))


def test_a_name_that_answers_with_an_inside_address_among_others_is_refused(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.SOURCE_WEB_HOSTS = ["*"]
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 80)) for each in ("93.184.215.14", "10.0.0.5")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: answers)
    with pytest.raises(PageRefused):
        resolved(target_of("http://rebind.example/"), intranet=False)


@pytest.mark.parametrize(
    ("rules", "url", "answer"),
    [
        ([], "https://www.gov.cn/", None),
        (["www.gov.cn"], "https://www.gov.cn/a", False),
        (["www.gov.cn"], "https://gov.cn/", None),
        (["*.gov.cn"], "https://www.nhc.gov.cn/", False),
        (["*.gov.cn"], "https://gov.cn.evil.example/", None),
        (["*.gov.cn"], "https://evilgov.cn/", None),
        (["www.gov.cn"], "https://www.gov.cn:8443/", None),
        (["www.gov.cn:8443"], "https://www.gov.cn:8443/", False),
        (["intranet:wiki.hospital:8080"], "http://wiki.hospital:8080/", True),
        (["intranet:wiki.hospital"], "http://wiki.hospital:8080/", None),
        (["*"], "https://example.org/", False),
        (["*"], "https://example.org:8443/", None),
    ],
)
def test_only_hosts_and_ports_that_the_operator_named_are_asked(
    rules: list[str], url: str, answer: bool | None, settings: Any
) -> None:
    settings.SOURCE_WEB_HOSTS = rules
    if answer is None:
        with pytest.raises(SourceNotAllowed):
            host_allowed(target_of(url))
    else:
        assert host_allowed(target_of(url)) is answer


def test_han_in_an_address_is_sent_as_the_standard_says() -> None:
    target = target_of("https://例子.测试/制度/护理?科室=外科")
    assert target.host.startswith("xn--") and target.target.isascii() and "%E6%8A%A4" in target.target


@pytest.mark.parametrize("text", ["", "x" * 5000, "http://", "http://[", "http://a b", "\x00"])
def test_rubbish_is_refused_and_never_raises_anything_else(text: str) -> None:
    with pytest.raises(LiaoyuanError):
        target_of(text)
