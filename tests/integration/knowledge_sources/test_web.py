"""A page by its address: fetched as itself alone, again only if it changed, and never from where it must not be."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.models import DocumentVersion
from liaoyuan.knowledge.sources import fetching
from liaoyuan.knowledge.sources.connector import Known
from liaoyuan.knowledge.sources.errors import ItemTooLarge, PageRefused, SourceNotAllowed, SourceUnreachable
from liaoyuan.knowledge.sources.models import SourceItem
from liaoyuan.knowledge.sources.settings import WebSettings
from liaoyuan.knowledge.sources.web import Web
from tests.integration.knowledge_sources.conftest import Add, Sync
from tests.integration.knowledge_sources.servers import Site, served


@pytest.fixture
def site(settings: Any) -> Iterator[tuple[Site, str]]:
    found = Site()
    with served(found.answer) as url:
        settings.SOURCE_WEB_HOSTS = [f"intranet:{url.removeprefix('http://')}"]
        yield found, url


def fetch(url: str, folder: Path) -> Any:
    return Web(WebSettings(urls=[url])).fetch(url, Known(), folder)


def test_a_page_is_followed(organization: Any, add: Add, sync: Sync, site: tuple[Site, str]) -> None:
    found, url = site
    source = add(kind="web", name="公告", settings={"urls": [f"{url}/page"]})
    assert sync(source).result["counts"]["read"] == 1
    with tenant_context(organization.id):
        version = DocumentVersion.objects.select_related("document").get()
        assert version.document.name == f"{url}/page" and version.state == "in_force"
    assert sync(source).result["counts"]["unchanged"] == 1
    found.page = found.page.replace("两人".encode(), "三人".encode())
    sync(source)
    with tenant_context(organization.id):
        assert DocumentVersion.objects.count() == 2
    paths, headers = zip(*found.asked, strict=True)
    assert set(paths) == {"/page"}, "nothing else is asked: no robots.txt, no icon, no picture"
    assert all("cookie" not in each and "Liaoyuan" in each["user-agent"] for each in headers)
    assert headers[1]["if-none-match"]


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/bomb", PageRefused), ("/brotli", PageRefused), ("/binary", PageRefused), ("/untyped", PageRefused),
        ("/huge", ItemTooLarge), ("/loop", PageRefused), ("/file", PageRefused), ("/user", PageRefused),
        ("/error", SourceUnreachable), ("/none", SourceUnreachable),
    ],
)  # fmt: skip
def test_a_bad_answer_is_not_taken(site: tuple[Site, str], tmp_path: Path, path: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        fetch(site[1] + path, tmp_path)


@pytest.mark.parametrize("path", ["/page", "/packed", "/moved"])
def test_a_good_one_is(site: tuple[Site, str], tmp_path: Path, path: str) -> None:
    assert fetch(site[1] + path, tmp_path).path.read_bytes() == site[0].page


def test_a_server_that_drips_is_cut_off(
    site: tuple[Site, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "SECONDS", 0.3)
    with pytest.raises(SourceUnreachable):
        fetch(site[1] + "/slow", tmp_path)


def test_a_redirect_is_checked_as_the_first_address_was(site: tuple[Site, str], tmp_path: Path) -> None:
    found, url = site
    inner = Site()
    with served(inner.answer) as inside:
        found.elsewhere = f"{inside}/page"
        with pytest.raises(SourceNotAllowed):
            fetch(f"{url}/inside", tmp_path)
        assert inner.asked == []


def test_a_public_host_that_leads_inside_is_not_asked(site: tuple[Site, str], tmp_path: Path, settings: Any) -> None:
    """The operator named the host, but not as one of the intranet."""
    found, url = site
    settings.SOURCE_WEB_HOSTS = [url.removeprefix("http://")]
    with pytest.raises(PageRefused):
        fetch(f"{url}/page", tmp_path)
    assert found.asked == []


def test_a_name_that_changes_its_mind_is_asked_where_it_was_checked(
    site: tuple[Site, str], tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the second look-up would lead inside, so there is none."""
    import socket

    found, url = site
    port = int(url.rpartition(":")[2])
    settings.SOURCE_WEB_HOSTS = [f"rebind.example:{port}"]
    monkeypatch.setattr("liaoyuan.knowledge.sources.addresses.public", lambda _address: True)
    answers = iter(["127.0.0.1"])
    real = socket.getaddrinfo

    def once(host: str, *rest: Any, **named: Any) -> Any:
        if host == "rebind.example":
            return real(next(answers), *rest, **named)
        return real(host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", once)
    assert fetch(f"http://rebind.example:{port}/page", tmp_path).size == len(found.page)
    assert next(answers, None) is None


def test_nothing_is_asked_while_the_operator_allows_nothing(add: Add, site: tuple[Site, str], settings: Any) -> None:
    settings.SOURCE_WEB_HOSTS = []
    with pytest.raises(SourceNotAllowed):
        add(kind="web", settings={"urls": [f"{site[1]}/page"]})
    assert site[0].asked == []


def test_one_page_that_fails_does_not_keep_the_others(
    organization: Any, add: Add, sync: Sync, site: tuple[Site, str]
) -> None:
    source = add(kind="web", settings={"urls": [f"{site[1]}/error", f"{site[1]}/page"]})
    counts = sync(source).result["counts"]
    assert (counts["read"], counts["failed"]) == (1, 1)
    with tenant_context(organization.id):
        assert SourceItem.objects.get(state="failed").error["code"] == "source_unreachable"
