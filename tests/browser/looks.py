"""Looks at a page as people do: wide and narrow, light and dark, Chinese and English; and with axe's eyes."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Visit

# Each width with each scheme, each width with each language: four windows say what eight would, and the first two of
# them show each width, scheme and language once. `make test` opens two, `make test-all` four.
EVERY = ((1280, "zh-CN", "light"), (375, "en-US", "dark"), (1280, "en-US", "dark"), (375, "zh-CN", "light"))
LOOKS = EVERY if os.environ.get("LIAOYUAN_EVERY_LOOK") else EVERY[:2]


def look(
    visit: Visit | Callable[..., Visit],
    path: str,
    name: str,
    *,
    email: str = "",
    looks: Sequence[tuple[int, str, str]] = LOOKS,
    before: Callable[[Any], None] | None = None,
    ignore: Sequence[str] = (),
) -> None:
    """Open ``path`` in every look and fail on whatever would keep somebody out.

    ``visit`` is a window that is signed in already (its cookies are used), or the fixture; then ``email`` signs in.
    ``before(page)`` brings the page into the state to be seen. Pictures go to ``$LIAOYUAN_LOOKS`` as
    ``name-width-language-scheme.png``. ``ignore``: parts of console messages that are meant (a page of 404 logs one).
    """
    for width, language, scheme in looks:
        with window(visit, width, language, scheme, email) as seen:
            seen.complaints.clear()
            seen.go(path)
            seen.page.wait_for_load_state("load")
            if before is not None:
                before(seen.page)
            picture(seen, f"{name}-{width}-{language[:2]}-{scheme}")
            found = problems(seen, width, ignore)
            # Spelled out: pytest explains the asserts of test files only.
            assert not found, "\n  ".join([f"{name} at {width}, {language}, {scheme}:", *found])


def problems(seen: Visit, width: int, ignore: Sequence[str] = ()) -> list[str]:
    """What is wrong with an open page: axe, console, requests to others, sideways scroll, headings."""
    found = serious(seen.page)
    found += [f"console: {text}" for text in seen.complaints if not any(part in text for part in ignore)]
    found += [f"asked another host: {url}" for url in seen.outside]
    wide = seen.page.evaluate("document.documentElement.scrollWidth")
    if wide > width:
        found.append(f"{wide} px wide: {seen.page.evaluate(WIDEST)}")
    heads = seen.page.locator("h1").count()
    if heads != 1:
        found.append(f"{heads} h1")
    return found


RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# The outermost elements that reach beyond the window's right edge.
WIDEST = """() => [...document.querySelectorAll('body *')]
  .filter(each => each.getBoundingClientRect().right > innerWidth + 1 && !each.closest('.table-wrap, .tabs, pre'))
  .slice(0, 3).map(each => each.outerHTML.slice(0, 120))"""


def serious(page: Any) -> list[str]:
    """axe's findings that keep somebody out, WCAG 2.2 AA."""
    # All violations come back whole; of what passed (megabytes on a long page) only a sample.
    found = Axe().run(page, options={"runOnly": RULES, "resultTypes": ["violations"]}).response["violations"]
    return [
        f"axe {each['id']}: {[node['html'][:160] for node in each['nodes']][:4]}"
        for each in found
        if each["impact"] in {"serious", "critical"}
    ]


def picture(seen: Visit, name: str) -> None:
    """Keep a screenshot of the whole page where somebody asked for them."""
    folder = os.environ.get("LIAOYUAN_LOOKS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        # What sticks to the window's edge would stand in the middle of a long page; a page's picture may be late.
        at = seen.page.evaluate(READY)
        seen.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True, animations="disabled")
        seen.page.evaluate("at => scrollTo(0, at)", at)


READY = """async () => {
  const at = scrollY;
  scrollTo(0, 0);
  await Promise.all([...document.querySelectorAll('svg image')].map(each => {
    const picture = new Image();
    picture.src = each.href.baseVal;
    return picture.decode().catch(() => null);
  }));
  return at;
}"""


@contextmanager
def window(
    visit: Visit | Callable[..., Visit], width: int, language: str, scheme: str, email: str = ""
) -> Iterator[Visit]:
    """A window of that size, language and scheme; of somebody who is signed in where ``visit`` or ``email`` is."""
    if not isinstance(visit, Visit):
        opened = visit(width, language, scheme)
        if email:
            opened.enter(email)
        yield opened
        return
    here = visit.page.context
    state = here.storage_state()
    # The chosen language would outweigh the one that this window asks for.
    state["cookies"] = [each for each in state["cookies"] if each["name"] != "django_language"]
    context = here.browser.new_context(
        viewport={"width": width, "height": 900}, locale=language, color_scheme=scheme, storage_state=state
    )
    opened = Visit(context.new_page(), visit.url)
    opened.watch()
    try:
        yield opened
    finally:
        context.close()
