"""Every test here has the engines, the database, a real server and Debian's Chromium; no network but loopback."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from playwright.sync_api import expect

from tests.browser.library import Library, library_make
from tests.integration.api.conftest import Server, server
from tests.integration.conftest import _embedding, _hashing
from tests.integration.deployment.conftest import embeddings
from tests.integration.portal.passed import Passed

__all__ = ["_embedding", "_hashing", "embeddings", "server"]

T = TypeVar("T")
CHROMIUM = Path("/usr/bin/chromium")
# `expect` asks again until it is so: what a script does after a key or a click takes its time on a busy machine.
expect.set_options(timeout=30_000)
PASSWORD = "蓝田日暖 correct horse 42"


@pytest.fixture(scope="session", autouse=True)
def _engines(database: str) -> None:
    """Starts the engines before any other fixture of this folder."""


@pytest.fixture(scope="module")
def chromium(server: Server) -> Iterator[Any]:
    """One browser for a file of tests; then its loop must leave this thread: Django refuses its ORM beside it."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def in_thread(work: Callable[[], T]) -> T:
    """The result of ``work`` with the ORM, done in a thread without Playwright's loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


# The cookies of each person's last window, by server and e-mail address.
_SESSIONS: dict[tuple[str, str], list[Any]] = {}


@dataclass
class Visit:
    """One person's browser window: what its console said, and what it asked of anybody but us."""

    page: Any
    url: str
    complaints: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)

    def _heard(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.outside.append(request.url)

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)

    def login(self, email: str) -> None:
        self.go("/accounts/login/")
        self.page.fill("input[name=login]", email)
        self.page.fill("input[name=password]", PASSWORD)
        self.page.click("main button")
        self.page.wait_for_url(lambda url: "/accounts/" not in url)

    def enter(self, email: str) -> None:
        """Be signed in, by the session of an earlier window if it is still good, and on no page yet.

        For tests of what comes after signing in; those that end sessions or count them use ``login``.
        """
        context, kept = self.page.context, _SESSIONS.get((self.url, email))
        if kept:
            context.add_cookies(kept)
            if context.request.get(f"{self.url}/account/", max_redirects=0).status == 200:
                return
            context.clear_cookies()
        self.login(email)
        # The chosen language would outweigh the one that the next window asks for.
        _SESSIONS[self.url, email] = [each for each in context.cookies() if each["name"] != "django_language"]


@pytest.fixture
def visit(chromium: Any, server: Server) -> Iterator[Callable[..., Visit]]:
    """``visit(width, language, scheme)`` opens a fresh window."""
    contexts = []

    def open_window(width: int = 1280, language: str = "zh-CN", scheme: str = "light") -> Visit:
        size = {"width": width, "height": 900}
        context = chromium.new_context(viewport=size, locale=language, color_scheme=scheme)
        # Two browsers, two servers and an argon2 on two cores: a login may take its time without being wrong.
        context.set_default_timeout(60_000)
        contexts.append(context)
        found = Visit(context.new_page(), server.url)
        found.watch()
        return found

    yield open_window
    for context in contexts:
        context.close()


@dataclass(frozen=True)
class Hospital:
    """An organization with boards in many states."""

    email: str
    organization_id: uuid.UUID
    running_id: uuid.UUID
    approval_id: uuid.UUID


@pytest.fixture(scope="session")
def hospital(server: Server) -> Hospital:
    """Two solutions: one in the middle of its work, one that waits for approval after a failure elsewhere."""
    from tests.browser.hospital import hospital_make

    return in_thread(lambda: hospital_make(PASSWORD))


@pytest.fixture(scope="module")
def library(embeddings: None, tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Documents of several formats that were read for real, for one file of tests: some of them change it."""
    return in_thread(lambda: library_make(PASSWORD, tmp_path_factory.mktemp("library")))


@pytest.fixture(scope="module")
def clinic(server: Server) -> tuple[str, Passed]:
    """The owner's e-mail address and a solution that went through all six stages."""
    from tests.browser.hospital import clinic_make

    return in_thread(lambda: clinic_make(PASSWORD))
