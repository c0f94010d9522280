"""The whole way as an information officer walks it: sign in, wizard, six stages, a cited answer, feedback, dashboard.

``manage.py up`` itself runs here, with engines, workers, model server and web of its own and a real training: slow.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import CHROMIUM

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = sorted((ROOT / "industries" / "medical" / "documents").iterdir())
STAGES = ("compute", "data", "training", "deployment", "security", "operations")
QUESTION = "接到危急值报告后，医师要在多长时间内处置？"
UNKNOWN = "医院食堂的供餐时间是几点？"
LINK = re.compile(r"(http://127\.0\.0\.1:\d+)(/enter/\S+)")
MINUTES = 60.0
IDENTIFIER = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
APPROVE = "button[command=show-modal][commandfor^=approve-]:visible"
STRANGER = """
from liaoyuan.accounts.models import Role
from liaoyuan.accounts.services import member_add, organization_create, user_create
from liaoyuan.accounts.tenancy import tenant_context
organization, _ = organization_create(name="Elsewhere")
with tenant_context(organization.id):
    member_add(user=user_create(email="stranger@example.org")[0], role=Role.OWNER)
"""


@dataclass
class Platform:
    """A running ``manage.py up``."""

    url: str
    link: str
    environment: dict[str, str]

    def manage(self, *words: str) -> str:
        command = [sys.executable, "manage.py", *words]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True
        ).stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed (apt-get install chromium)")
    folder = tmp_path_factory.mktemp("up")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LIAOYUAN_")}
    environment |= {"LIAOYUAN_VAR": str(folder), "LIAOYUAN_PORT": str(free_port()), "LC_ALL": "C.UTF-8"}
    log = folder.parent / "up.log"
    with log.open("w") as stream:
        up = subprocess.Popen(
            [sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, stdout=stream, stderr=subprocess.STDOUT
        )
    try:
        found = wait_for(
            lambda: LINK.search(log.read_text(errors="replace")), 5 * MINUTES, lambda: log.read_text()[-2000:]
        )
        yield Platform(found[1], found[2], environment)
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(90)


def wait_for(ready: Callable[[], Any], seconds: float, said: Callable[[], str] = lambda: "it did not happen") -> Any:
    deadline = time.monotonic() + seconds
    while not (found := ready()):
        assert time.monotonic() < deadline, said()
        time.sleep(0.5)
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


def state(page: Any, stage: str) -> str:
    """The state word of a stage on the board."""
    return str(page.locator(".stages > .stage").nth(STAGES.index(stage)).get_attribute("data-state") or "")


def stranger_sees_nothing(page: Any, url: str, *paths: str) -> None:
    for path in paths:
        # The navigation marks where one is, so each address is compared with a missing one of its own kind.
        missing = page.request.get(url + IDENTIFIER.sub("00000000-0000-4000-8000-000000000000", path))
        answer = page.request.get(url + path)
        assert (answer.status, answer.body()) == (404, missing.body()), path


def walk_to_the_plan(page: Any, url: str) -> None:
    page.goto(f"{url}/solutions/new")
    page.click("button[name=industry][value=medical]")
    page.locator("input[name=scenario]").first.check()
    page.locator(".wizard-foot button").click()
    page.locator("input[name=source][value=upload]").check()
    page.set_input_files("input[name=documents]", [str(path) for path in DOCUMENTS])
    rows = page.locator(".upload-list > .upload")
    wait_for(lambda: rows.count() == len(DOCUMENTS), MINUTES)
    page.wait_for_function(
        "n => document.querySelectorAll('.upload-list > .upload[data-state=done]').length === n",
        arg=len(DOCUMENTS),
        timeout=120_000,
    )
    page.click("#documents-continue")
    page.wait_for_url("**/plan")


def test_from_sign_in_to_a_cited_answer_and_its_place_on_the_dashboard(platform: Platform, browser: Any) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="zh-CN")
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(platform.url + platform.link)
    page.locator("main form button").click()
    page.wait_for_url(platform.url + "/")

    walk_to_the_plan(page, platform.url)
    page.locator(".wizard-foot form button").click()
    page.wait_for_url(re.compile(r"/solutions/[0-9a-f-]{36}/$"))
    board = page.url.removeprefix(platform.url)
    solution_id = board.strip("/").split("/")[-1]
    stranger = a_stranger(platform, browser)
    stranger_sees_nothing(stranger, platform.url, board)

    for stage in STAGES:
        watch(page, stage)
        page.goto(f"{platform.url}{board}{stage}/")
        expect(page.locator("h1")).to_have_count(1)
        stranger_sees_nothing(stranger, platform.url, f"{board}{stage}/")
        page.goto(platform.url + board)

    trace, fault = ask(page, platform.url, solution_id)
    stranger_sees_nothing(stranger, platform.url, f"/chat/{solution_id}/", trace)
    page.goto(f"{platform.url}{board}operations/")
    assert page.get_by_text(fault).count() >= 1, "the reason that the reader gave stands on the dashboard"

    english = browser.new_context(locale="en-US", storage_state=context.storage_state()).new_page()
    english.goto(platform.url + board)
    assert english.get_by_text("Train model").count() >= 1


def a_stranger(platform: Platform, browser: Any) -> Any:
    """Somebody of another organization, signed in."""
    platform.manage("shell", "-c", STRANGER)
    path = re.search(r"/enter/\S+", platform.manage("login", "stranger@example.org"))
    assert path is not None
    page = browser.new_context(locale="zh-CN").new_page()
    page.goto(platform.url + path[0])
    page.locator("main form button").click()
    page.wait_for_url(platform.url + "/")
    return page


def watch(page: Any, stage: str) -> None:
    """Follow a stage to its end on the open page, with one reload in its middle; approve where it waits for that."""
    wait_for(lambda: state(page, stage) not in ("waiting", "", "queued") or approvable(page), 15 * MINUTES)
    page.reload()
    wait_for(lambda: ended(page, stage), 20 * MINUTES, page.content)
    assert state(page, stage) == "succeeded", page.locator("main").inner_text()


def ended(page: Any, stage: str) -> bool:
    """Whether the stage is over; approves it on the way, once it asks for that."""
    if approvable(page):
        page.locator(APPROVE).first.click()
        page.locator("dialog[open] textarea").fill("依据考核报告批准")
        page.locator("dialog[open] form .actions button").last.click()
    return state(page, stage) in ("succeeded", "failed", "errored", "dead")


def approvable(page: Any) -> bool:
    return bool(page.locator(APPROVE).count())


def ask(page: Any, url: str, solution_id: str) -> tuple[str, str]:
    """Ask twice, open the evidence, find fault; the path of the answer's trace and the fault as it is worded."""
    page.goto(f"{url}/chat/{solution_id}/")
    page.fill("textarea[name=question]", QUESTION)
    page.keyboard.press("Enter")
    answer = page.locator("article.turn[data-shape=answered]").last
    answer.wait_for(timeout=120_000)
    assert "15 分钟" in answer.inner_text()
    answer.locator("a.cite").first.click()
    page.get_by_text("《危急值报告制度》").or_(page.get_by_text("危急值报告制度")).first.wait_for()
    answer.locator("details.fault summary").click()
    fault = answer.locator(".tick").first.inner_text().strip()
    answer.locator("input[name=reason]").first.check()
    answer.locator(".fault-form button").click()
    page.locator(".verdict").first.wait_for()
    trace = str(answer.locator("a[href^='/traces/']").first.get_attribute("href"))
    page.fill("textarea[name=question]", UNKNOWN)
    page.keyboard.press("Enter")
    page.locator("article.turn[data-shape=abstained]").wait_for(timeout=120_000)
    return trace, fault
