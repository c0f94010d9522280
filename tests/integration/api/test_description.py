"""Who reads the description of the API in which language."""

import pytest
from django.test import Client

from liaoyuan.accounts.models import Member
from tests.integration.portal.test_documents import browser

WHERE = "/api/v1/openapi.json"
ENGLISH, CHINESE = "List solutions", "列出应用"


@pytest.mark.parametrize(
    ("query", "header", "summary"),
    [
        ("", None, ENGLISH),
        ("", "en", ENGLISH),
        ("", "zh-CN,zh;q=0.9", CHINESE),
        ("?lang=zh", "en", CHINESE),
        ("?lang=en", "zh-CN", ENGLISH),
    ],
)
def test_it_is_english_unless_chinese_is_asked_for(
    viewer: Member, query: str, header: str | None, summary: str
) -> None:
    client = browser(viewer) if header is None else browser(viewer, header)
    if header is None:
        client.defaults.pop("HTTP_ACCEPT_LANGUAGE")

    answer = client.get(WHERE + query)

    found = answer.json()["paths"]["/api/v1/solutions"]["get"]
    assert found["summary"] == summary
    assert found["operationId"] == "solutions_list"
    assert answer.headers["Content-Language"] == ("zh" if summary == CHINESE else "en")
    assert "Accept-Language" in answer.headers["Vary"]


def test_fields_are_explained_in_the_language_of_the_page(viewer: Member) -> None:
    chinese = browser(viewer, "zh").get("/api/v1/docs?area=runs").content.decode()
    english = browser(viewer, "en").get("/api/v1/docs?area=runs").content.decode()

    assert "上一页返回的" in chinese
    assert "of the page before" not in chinese
    assert "of the page before" in english


def test_an_address_may_name_the_language_of_the_page(viewer: Member) -> None:
    page = browser(viewer, "en").get("/api/v1/docs?area=runs&lang=zh").content.decode()

    assert "上一页返回的" in page
    assert '<html lang="zh-hans">' in page


def test_a_stranger_reads_it_in_no_language(database: str) -> None:
    assert Client().get(f"{WHERE}?lang=zh").status_code == 302
