"""A page left open: it follows what happens, survives what breaks, and says what it does not know."""

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.browser.conftest import PASSWORD, Hospital, Visit, in_thread
from tests.integration.api.conftest import Server
from tests.integration.live.proxy import Proxy

pytestmark = pytest.mark.browser
MEGABYTE = 1 << 20
# Any page in the frame, and one that nothing else on it moves.
PAGE = "/design"


def until(page: Any, true: str, seconds: float = 10.0) -> None:
    """Wait for an expression. Playwright's own way evaluates strings in the page, which our policy forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(true):
        assert time.monotonic() < end, f"not after {seconds} s: {true}"
        page.wait_for_timeout(50)


@dataclass
class Watched:
    """A window whose page has one part that follows a run; ``asked`` counts how often it was fetched."""

    visit: Visit
    asked: list[str] = field(default_factory=list)

    @property
    def page(self) -> Any:
        return self.visit.page

    def part(self, run_id: uuid.UUID, inner: str = "") -> None:
        """Put the part into the page; what it fetches says how often it was asked for."""
        self.page.route("**/part", self._answer(run_id, inner))
        self.page.evaluate(
            "html => document.querySelector('main').insertAdjacentHTML('beforeend', html)", self._html(run_id, inner)
        )

    def _html(self, run_id: uuid.UUID, inner: str) -> str:
        count = f"<b>seen {len(self.asked)}</b>{inner}"
        return f'<section id="part" data-live-run="{run_id}" data-live-url="/part">{count}</section>'

    def _answer(self, run_id: uuid.UUID, inner: str) -> Callable[[Any], None]:
        def answer(route: Any) -> None:
            self.asked.append(route.request.url)
            route.fulfill(content_type="text/html", body=self._html(run_id, inner))

        return answer

    def connected(self) -> None:
        until(self.page, "window.lyReady > 0")

    def seen(self, count: int, seconds: float = 10.0) -> None:
        until(self.page, f"Number(document.querySelector('#part b')?.textContent.split(' ')[1]) >= {count}", seconds)

    def note(self, name: str, seconds: float = 15.0) -> str:
        place = self.page.locator(f"[data-note={name}]")
        place.wait_for(state="visible", timeout=seconds * 1000)
        return str(place.inner_text())


@pytest.fixture
def watched(visit: Callable[..., Visit], hospital: Hospital) -> Callable[..., Watched]:
    """``watched(language="en-US", url=…)``: signed in, on a page of the frame."""

    def enter(language: str = "zh-CN", url: str = "", known: Visit | None = None) -> Watched:
        found = known or visit(language=language)
        found.url = url or found.url
        # Counts the streams that were opened, and that stand.
        found.page.add_init_script(
            """window.lyReady = 0;
            const Source = window.EventSource;
            window.EventSource = class extends Source {
              constructor(...words) { super(...words); this.addEventListener("ready", () => { window.lyReady += 1; }); }
            };"""
        )
        found.login(hospital.email)
        found.go(PAGE)
        return Watched(found)

    return enter


def happen(hospital: Hospital, *, times: int = 1, run_id: uuid.UUID | None = None) -> None:
    """Commit events of the hospital's running run."""

    def write() -> None:
        from liaoyuan.accounts.tenancy import tenant_context
        from liaoyuan.pipeline.events import event_write

        with tenant_context(hospital.organization_id):
            for step in range(times):
                event_write(
                    run_id=run_id or hospital.running_id,
                    organization_id=hospital.organization_id,
                    kind="progress",
                    data={"progress": step / times, "message_zh": f"第 {step} 步", "message_en": f"step {step}"},
                )

    in_thread(write)


def state_of(hospital: Hospital) -> str:
    """What the ledger says of the hospital's running run."""

    def read() -> str:
        from liaoyuan.accounts.tenancy import tenant_context
        from liaoyuan.pipeline.selectors import run_get

        with tenant_context(hospital.organization_id):
            return str(run_get(hospital.running_id).state)

    return in_thread(read)


@pytest.fixture
def unplugged(server: Server) -> Iterator[Proxy]:
    found = Proxy(server.url, block=1, seconds=0.01)
    yield found
    found.close()


def test_many_events_of_one_moment_renew_a_part_once(watched: Callable[..., Watched], hospital: Hospital) -> None:
    window = watched()
    window.connected()
    window.part(hospital.running_id)
    window.page.evaluate("document.addEventListener('ly:event', (e) => { window.heard = e.detail; })")
    happen(hospital, times=20)
    window.seen(1)
    time.sleep(1.0)
    assert len(window.asked) <= 2
    heard = window.page.evaluate("window.heard")
    assert (heard["run_id"], heard["stage"]) == (str(hospital.running_id), "training")
    # Other tests of this process may have asked the run to end.
    assert heard["state"] == state_of(hospital)
    happen(hospital, run_id=hospital.approval_id)
    before = len(window.asked)
    time.sleep(1.5)
    assert len(window.asked) == before
    assert window.visit.complaints == []


def test_a_form_in_use_is_left_alone_until_the_reader_leaves_it(
    watched: Callable[..., Watched], hospital: Hospital
) -> None:
    window = watched()
    window.connected()
    window.part(hospital.running_id, '<form><input id="field" aria-label="x"></form>')
    window.page.locator("#field").type("half a sen")
    happen(hospital)
    time.sleep(1.5)
    assert window.asked == []
    window.page.locator("#field").blur()
    window.seen(1)
    # Changed in place: what was typed is still there.
    assert window.page.input_value("#field") == "half a sen"


def test_two_tabs_share_one_connection_and_the_second_inherits_it(
    watched: Callable[..., Watched], hospital: Hospital
) -> None:
    first = watched()
    first.connected()
    page = first.page.context.new_page()
    second = Watched(Visit(page, first.visit.url))
    page.add_init_script("window.opened = 0; const S = EventSource; window.EventSource = class extends S "
                         "{ constructor(...w) { super(...w); window.opened += 1; } };")  # fmt: skip
    second.visit.go(PAGE)
    for window in (first, second):
        window.part(hospital.running_id)
    happen(hospital)
    first.seen(1)
    second.seen(1)
    assert page.evaluate("window.opened") == 0
    first.page.close()
    until(page, "window.opened > 0")
    happen(hospital)
    second.seen(2)


@pytest.mark.parametrize(("language", "word"), [("zh-CN", "连接中断于"), ("en-US", "Offline since")])
def test_a_broken_connection_is_told_and_mended(
    language: str, word: str, watched: Callable[..., Watched], hospital: Hospital, unplugged: Proxy
) -> None:
    window = watched(language, unplugged.url)
    window.connected()
    window.part(hospital.running_id)
    unplugged.unplug()
    assert word in window.note("offline")
    happen(hospital)
    unplugged.plug()
    # What was missed is fetched, and the word goes away.
    window.seen(1, seconds=45)
    window.page.locator("[data-note=offline]").wait_for(state="hidden", timeout=5000)


def test_a_session_that_ended_elsewhere_is_told_with_the_way_back(
    watched: Callable[..., Watched], hospital: Hospital
) -> None:
    window = watched("en-US")
    window.connected()
    cookie = next(c for c in window.page.context.cookies() if c["name"] == "sessionid")

    def end() -> None:
        from django.contrib.sessions.models import Session

        Session.objects.filter(session_key=cookie["value"]).delete()

    in_thread(end)
    assert "Your session has ended" in window.note("session")
    window.page.get_by_role("link", name="Sign in again").click()
    window.page.fill("input[name=login]", hospital.email)
    window.page.fill("input[name=password]", PASSWORD)
    window.page.click("main button")
    window.page.wait_for_url(window.visit.url + PAGE)
    window.connected()


def test_a_page_left_open_keeps_flat_memory(watched: Callable[..., Watched], hospital: Hospital) -> None:
    """An hour of a training run at one event a second, in a minute."""
    window = watched()
    window.connected()
    window.part(hospital.running_id)
    tools = window.page.context.new_cdp_session(window.page)
    window.page.evaluate("window.count = 0; document.addEventListener('ly:event', () => { window.count += 1; })")

    def heap() -> float:
        tools.send("HeapProfiler.collectGarbage")
        return float(tools.send("Runtime.getHeapUsage")["usedSize"]) / MEGABYTE

    def batch(number: int) -> None:
        happen(hospital, times=200)
        until(window.page, f"window.count >= {200 * number}", 20.0)

    for number in range(1, 4):
        batch(number)
    before = heap()
    for number in range(4, 19):
        batch(number)
    assert window.page.evaluate("window.count") == 3600
    grown = heap() - before
    assert grown < 1.0, f"{grown:.2f} MB more after 3000 events"
