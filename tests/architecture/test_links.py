"""A reader who follows a link of the handbook arrives, at the page and at the heading."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "clients").rglob("*.md")])
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
_HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.MULTILINE)


def anchor(heading: str) -> str:
    """As code hosts name a heading: small letters, marks left out, spaces as hyphens."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def strays(page: Path) -> list[str]:
    found = []
    for path, wanted in _LINK.findall(page.read_text(encoding="utf-8")):
        target = page.parent / unquote(path) if path else page
        if not target.exists():
            found.append(path)
        elif wanted and wanted not in {anchor(each) for each in _HEADING.findall(target.read_text(encoding="utf-8"))}:
            found.append(f"{path}#{wanted}")
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert strays(page) == []


def test_a_link_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    links = "[a](#who-reads) [b](#who-writes) [c](gone.md) [d](page.md#who-reads)"
    page.write_text(f"# Who reads\n{links}\n", encoding="utf-8")

    assert strays(page) == ["#who-writes", "gone.md"]
