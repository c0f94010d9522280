"""What a browser loads for a page, and when the page answers on a processor four times slower."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHROMIUM = Path("/usr/bin/chromium")
SLOWER = 4
# Loaded only by pages that draw.
CHARTS = "echarts"
LONG_TASKS = """
window.busy = 0;
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) window.busy = Math.max(window.busy, task.startTime + task.duration);
}).observe({ type: "longtask", buffered: true });
"""


@dataclass(frozen=True)
class Loaded:
    """``weight`` in KB as transferred, charts apart; ``interactive`` in ms until the scripts ran and nothing blocks."""

    weight: float
    charts: float
    requests: int
    interactive: float


def measure(url: str, cookie: str, paths: dict[str, str]) -> dict[str, Loaded]:
    """Nothing where Chromium is missing."""
    if not CHROMIUM.exists():
        return {}
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        found = {name: _load(browser, url, cookie, path) for name, path in paths.items()}
        browser.close()
    return found


def _load(browser: Any, url: str, cookie: str, path: str) -> Loaded:
    """A first visit: nothing is cached."""
    context = browser.new_context(locale="zh-CN")
    name, _, value = cookie.partition("=")
    context.add_cookies([{"name": name, "value": value, "url": url}])
    page = context.new_page()
    tools = context.new_cdp_session(page)
    tools.send("Network.enable")
    tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    urls: dict[str, str] = {}
    sizes: dict[str, float] = {}
    tools.on("Network.responseReceived", lambda each: urls.update({each["requestId"]: each["response"]["url"]}))
    tools.on("Network.loadingFinished", lambda each: sizes.update({each["requestId"]: each["encodedDataLength"]}))
    # Blocks of over 50 ms keep a page from answering; the last one's end is when it does.
    page.add_init_script(LONG_TASKS)
    page.goto(url + path, wait_until="load")
    page.wait_for_timeout(2000)
    done = page.evaluate(
        "Math.max(window.busy, performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd)"
    )
    charts = sum(size for key, size in sizes.items() if CHARTS in urls.get(key, ""))
    context.close()
    return Loaded((sum(sizes.values()) - charts) / 1024, charts / 1024, len(sizes), float(done))
