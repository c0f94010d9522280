"""The frame: who finds what in the palette, whose zone and language a page speaks, and how static files are served."""

import asyncio
import gzip
import uuid
import zoneinfo
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.template import RequestContext, Template
from django.test import Client, RequestFactory

from liaoyuan.accounts.models import Member
from liaoyuan.knowledge.models import Collection, Document, DocumentVersion, VersionState
from liaoyuan.pipeline.services import solution_create
from liaoyuan.portal.shell.assets import StaticApp
from liaoyuan.portal.shell.middleware import zone_named
from tests.integration.portal.windows import as_member, window


def document(member: Member, name: str, groups: list[str]) -> None:
    def make() -> None:
        collection = Collection.objects.create(organization=member.organization, name=f"卷 {uuid.uuid4().hex[:6]}")
        made = Document.objects.create(organization=member.organization, collection=collection, name=name)
        content = {"file_name": name, "sha256": "0", "size": 1}
        key = {"organization": member.organization, "document": made, "number": 1}
        DocumentVersion.objects.create(state=VersionState.IN_FORCE, groups=groups, **key, **content)

    as_member(member, make)


def palette(member: Member, query: str) -> str:
    answer = window(member).get("/palette", {"q": query})
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_palette_finds_what_is_mine_by_name(owner: Member) -> None:
    name = f"手卫生问答 {uuid.uuid4().hex[:6]}"
    as_member(owner, lambda: solution_create(name=name, industry="medical", scenario="guideline-qa"))
    assert name in palette(owner, "手卫生")


def test_a_strangers_palette_does_not_know_it(owner: Member, stranger: Member) -> None:
    name = f"秘密 {uuid.uuid4().hex[:6]}"
    as_member(owner, lambda: solution_create(name=name, industry="medical", scenario="guideline-qa"))
    document(owner, f"{name}.pdf", [])
    assert name not in palette(stranger, name).replace(f"“{name}”", "")


def test_a_document_of_another_group_is_not_found_by_its_name(owner: Member, viewer: Member) -> None:
    name = f"薪酬 {uuid.uuid4().hex[:6]}.pdf"
    document(owner, name, ["人事"])
    assert name in palette(owner, name).replace(f"“{name}”", "")
    assert name not in palette(viewer, name).replace(f"“{name}”", "")


def test_actions_are_listed_by_role(owner: Member, viewer: Member) -> None:
    assert "New solution" in palette(owner, "")
    assert "New solution" not in palette(viewer, "")


def test_somebody_unknown_is_sent_to_the_login() -> None:
    assert Client().get("/palette").status_code == 302
    assert Client().get("/design").status_code == 302


@pytest.mark.parametrize("name", ["", "x" * 65, "../../etc/passwd", "Mars/Olympus", "Asia/Shanghai\n", None, 7])
def test_a_cookie_that_names_no_zone_is_ignored(name: object) -> None:
    assert zone_named(name) is None


def test_a_page_speaks_in_the_zone_of_the_cookie(owner: Member) -> None:
    client = window(owner)
    client.cookies["tz"] = "Asia%2FTokyo"
    assert "+09:00" in client.get("/design").content.decode()
    client.cookies["tz"] = "nonsense"
    assert "+08:00" in client.get("/design").content.decode()
    assert zone_named("Asia/Tokyo") == zoneinfo.ZoneInfo("Asia/Tokyo")


def test_a_missing_page_is_the_same_to_the_byte(owner: Member, stranger: Member) -> None:
    client = window(owner)
    mine = as_member(
        stranger, lambda: solution_create(name=uuid.uuid4().hex, industry="medical", scenario="guideline-qa")[0]
    )
    foreign = client.get(f"/solutions/{mine.id}/")
    missing = client.get(f"/solutions/{uuid.uuid4()}/")
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert foreign.content == missing.content


def drawn(source: str, **context: Any) -> str:
    from django_cotton.compiler_regex import CottonCompiler

    request = RequestFactory().get("/")
    return str(Template(CottonCompiler().process(source)).render(RequestContext(request, context)))


def test_no_value_breaks_out_of_an_attribute() -> None:
    for value in ('"x" onclick="y"', "'\"><script>", '" autofocus onfocus="alert(1)'):
        for source in ('<c-button :data-x="value">go</c-button>', '<c-button data-x="{{ value }}">go</c-button>'):
            text = drawn(source, value=value)
            assert "<script" not in text
            assert text.count('"') % 2 == 0
            assert ' onclick="y"' not in text
            assert ' onfocus="' not in text


def test_a_chart_cannot_end_its_own_script() -> None:
    text = drawn(
        '<c-chart id="c" label="x" :option="option" />', option={"series": [{"name": "</script><b>", "data": [1]}]}
    )
    assert "</script><b>" not in text
    assert "\\u003C/script" in text


@pytest.fixture
def css(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A style sheet that the finders find, whether or not the front end was built."""
    file = tmp_path / "app.css"
    file.write_text("body { color: red }\n" * 100, encoding="utf-8")
    monkeypatch.setattr("liaoyuan.portal.shell.assets._search", lambda name: file if name == "css/app.css" else None)
    monkeypatch.setattr("liaoyuan.portal.shell.assets._FOUND", {})
    return file


def get(path: str, query: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """What the application answers."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"path": path, "method": "GET", "query_string": query.encode(), "headers": pairs}
    asyncio.run(StaticApp()(scope, None, send))
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}, sent[1]["body"]


def test_a_file_with_its_version_is_kept_for_a_year(css: Path) -> None:
    address, _, query = staticfiles_storage.url("css/app.css").partition("?")
    status, headers, body = get(address, query)
    assert (status, body) == (200, css.read_bytes())
    assert "immutable" in headers["cache-control"]
    assert get(address, "v=000000000000")[1]["cache-control"] == "no-cache"
    assert get(address)[1]["cache-control"] == "no-cache"


def test_a_changed_file_has_another_address(css: Path) -> None:
    before = staticfiles_storage.url("css/app.css")
    css.write_text("body { color: blue }", encoding="utf-8")
    assert staticfiles_storage.url("css/app.css") != before


def test_a_file_is_compressed_for_those_who_take_it(css: Path) -> None:
    _, headers, body = get("/static/css/app.css", accept_encoding="gzip, deflate")
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == css.read_bytes()
    assert "content-encoding" not in get("/static/css/app.css", accept_encoding="gzip;q=0")[1]
    css.with_name("app.css.br").write_bytes(b"small")
    css.touch()
    css.with_name("app.css.br").touch()
    assert get("/static/css/app.css", accept_encoding="br, gzip")[2] == b"small"


def test_a_file_that_is_known_is_not_sent_again(css: Path) -> None:
    tag = get("/static/css/app.css")[1]["etag"]
    assert get("/static/css/app.css", if_none_match=tag)[0] == 304


@pytest.mark.parametrize(
    "path", ["/static/", "/static/../manage.py", "/static//etc/passwd", "/static/%00", "/static/x.css"]
)
def test_nothing_else_is_served(path: str) -> None:
    assert get(path)[0] == 404
