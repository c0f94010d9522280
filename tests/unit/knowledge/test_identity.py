"""Which files are versions of one document."""

from datetime import date

import pytest

from liaoyuan.knowledge.identity import display_name, identify


def test_a_dated_regulation_is_a_version_of_its_document() -> None:
    found = identify("护士条例(2020-03-27).md")
    assert (found.name, found.effective_from) == ("护士条例.md", date(2020, 3, 27))


@pytest.mark.parametrize(
    "name", ["交接班记录(2024-01-05).docx", "周报(2024-01-12).md", "条例(2020-13-40).md", "护士条例.md"]
)
def test_reports_and_undated_files_stand_alone(name: str) -> None:
    assert identify(name).name == name
    assert identify(name).effective_from is None


def test_the_short_name_is_shown_where_the_long_title_contains_it() -> None:
    assert display_name("传染病防治法.md", "中华人民共和国传染病防治法") == "传染病防治法"
    assert display_name("med_nurse.docx", "护士条例") == "护士条例"
