"""Why an answer was bad, one real fault for each cause: what proves it and the screen that mends it, in a browser."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, Visit, in_thread
from tests.browser.library import nobody_make
from tests.browser.looks import look
from tests.integration.questions.conftest import NURSING, WASTE
from tests.integration.questions.test_verdict import BALLOON, OTHERS, QUESTION, RIGHT

pytestmark = pytest.mark.slow
NURSES = "护士每班几人值守病区？由谁排班？"
BOTH = {"医疗废物管理办法.md": WASTE, "护理值班制度.md": NURSING}
NEWER = {"医疗废物管理办法(2024-01-01).md": WASTE.replace("不得超过2天", "不得超过1天")}
# By cause: the collection's files in the order in which they are brought, and what is asked of the page.
CASES: dict[str, tuple[list[Mapping[str, str]], dict[str, str]]] = {
    "missing": ([BOTH], {"question": "婚假可以休几天？", "expected": "婚假为十五天"}),
    "parse": ([BOTH], {"question": QUESTION, "expected": RIGHT}),
    "chunk": ([BOTH], {"question": QUESTION, "expected": RIGHT}),
    "retrieve": (
        [{"气象站须知.md": BALLOON, "排班表.md": f"# 排班表\n\n{OTHERS}"}],
        {"question": NURSES, "expected": "每日施放两枚"},
    ),
    "rerank": (
        [{"护理值班制度.md": NURSING, "排班表.md": f"# 排班表\n\n{OTHERS[:600]}"}],
        {"question": NURSES, "expected": "交班前30分钟完成护理记录"},
    ),
    "generate": ([BOTH], {"question": QUESTION, "unanswerable": "1"}),
    "stale": ([{"医疗废物管理办法(2020-01-01).md": WASTE}, NEWER], {"question": QUESTION, "expected": RIGHT}),
}


@pytest.fixture(scope="module")
def email(embeddings: None) -> str:
    return in_thread(lambda: nobody_make(PASSWORD))


@pytest.fixture
def signed_in(visit: Callable[..., Visit], email: str) -> Visit:
    window = visit(1280, "zh-CN")
    window.enter(email)
    return window


def seeded(email: str, cause: str, folder: Path) -> str:
    """A collection with the fault in it; its id."""
    from liaoyuan.accounts.models import Member, User
    from liaoyuan.accounts.tenancy import system_context, tenant_context
    from liaoyuan.knowledge.models import Chunk
    from liaoyuan.knowledge.selectors import collection_by_name
    from liaoyuan.knowledge.services import documents_import

    with system_context("test") as alias:
        member = Member.objects.using(alias).get(user=User.objects.using(alias).get(email=email))
    for number, files in enumerate(CASES[cause][0]):
        place = folder / str(number)
        place.mkdir()
        for name, text in files.items():
            (place / name).write_text(text, encoding="utf-8")
        documents_import(organization_id=member.organization_id, collection=cause, paths=[place])
    with tenant_context(member.organization_id):
        collection = collection_by_name(cause)
        wanted = Chunk.objects.filter(collection=collection, text__contains=RIGHT)
        if cause == "chunk":
            wanted.update(enabled=False)
        if cause == "parse":
            lose_by_parsing(collection)
            wanted.delete()
        return str(collection.id)


def lose_by_parsing(collection: Any) -> None:
    """The words stand in the file and in none of its blocks."""
    from liaoyuan.knowledge.models import DocumentVersion
    from liaoyuan.knowledge.selectors import parsed_document
    from liaoyuan.pipeline.storage import storage

    version = DocumentVersion.objects.get(document__collection=collection, document__name="医疗废物管理办法.md")
    parsed = parsed_document(version)
    parsed.blocks = [block for block in parsed.blocks if RIGHT not in block.text]
    key = version.blocks_key.removesuffix("blocks.jsonl") + "parsed.json"
    storage().open_path(key).write_text(parsed.to_json(), encoding="utf-8")


@pytest.mark.parametrize("cause", CASES)
def test_each_cause_is_shown_with_its_proof_and_leads_to_the_screen_that_mends_it(
    cause: str, email: str, signed_in: Visit, tmp_path: Path
) -> None:
    collection_id = in_thread(lambda: seeded(email, cause, tmp_path))
    path = f"/collections/{collection_id}/evaluation/verdict/?{urlencode(CASES[cause][1])}"
    look(signed_in, path, f"verdict-{cause}", looks=[(1280, "zh-CN", "light"), (375, "en-US", "dark")])
    page = signed_in.page
    signed_in.go(path)
    expect(page.locator(f".cause-card.cause-{cause}")).to_be_visible()
    expect(page.locator(".verdict-finding").first).to_be_visible()
    page.locator(".cause-card .actions a").first.click()
    page.wait_for_url(lambda url: "/verdict/" not in url)
    expect(page.locator("h1")).to_be_visible()
    assert signed_in.complaints == [] and signed_in.outside == []
