"""Where a chunk stands, in the words of who reads the page."""

import pytest
from django.utils.translation import override

from liaoyuan.portal.shell.tags import place


@pytest.mark.parametrize(
    ("locator", "chinese"),
    [
        ("rows 1-30", "第 1–30 行"),
        ("slide 7", "第 7 张幻灯片"),
        ("slide 7 notes", "第 7 张幻灯片备注"),
        ("Sheet1!A2:D9", "Sheet1!A2:D9"),
        ("第三条", "第三条"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_place_is_told_in_the_readers_language(locator: str | None, chinese: str) -> None:
    with override("zh-hans"):
        assert place(locator) == chinese
    with override("en"):
        assert place(locator) == (locator or "")
