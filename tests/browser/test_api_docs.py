"""The API's description as people read it: ours, without a script, in both languages and both schemes."""

from collections.abc import Callable
from typing import Any

from tests.browser.conftest import Hospital, Visit
from tests.browser.looks import look


def test_the_overview(visit: Callable[..., Visit], hospital: Hospital) -> None:
    look(visit, "/api/v1/docs", "api-docs", email=hospital.email)


def test_an_area_opened(visit: Callable[..., Visit], hospital: Hospital) -> None:
    look(visit, "/api/v1/docs?area=runs", "api-docs-runs", email=hospital.email, before=opened)


def test_the_error_codes(visit: Callable[..., Visit], hospital: Hospital) -> None:
    look(visit, "/api/v1/docs?area=problems", "api-docs-problems", email=hospital.email)


def opened(page: Any) -> None:
    """With the first operation's parameters and answers in sight."""
    page.locator(".api-operation details summary").first.click()
