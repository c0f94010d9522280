"""``make bench-web``: requests a second, queries, weight, time to interactive, five hundred streams."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.web import house

PEOPLE = 100
CONNECTIONS = 8
SECONDS = 6.0
BASE = "bare view"


def main(argv: list[str]) -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--json", type=Path, help="write the numbers there as well")
    words.add_argument("--seconds", type=float, default=SECONDS)
    given = words.parse_args(argv)
    house.prepare()
    with house.engines():
        from benchmarks.web.seed import seed

        print("seeding 10,000 documents and 1,000 runs…", flush=True)
        seeded = seed(PEOPLE)
        with house.web() as web:
            found = _all(web, seeded, given.seconds)
    _print(found)
    if given.json:
        given.json.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")


def _all(web: house.Web, seeded: Any, seconds: float) -> dict[str, Any]:
    from benchmarks.web import browser, load, queries, streams

    pages = {
        "home": "/",
        "board": f"/solutions/{seeded.solution_id}/",
        "documents": f"/collections/{seeded.collection_id}/",
    }
    asked = {BASE: "/bench/bare", **pages, "API list": f"/api/v1/collections/{seeded.collection_id}/documents"}
    cookie = {"Cookie": seeded.cookies[0], "Accept-Language": "zh-CN"}
    speed: dict[str, Any] = {}
    for name, path in asked.items():
        print(f"asking for {name}…", flush=True)
        before = web.cpu()
        measured = load.measure(web.port, path, cookie, connections=CONNECTIONS, seconds=seconds)
        cpu = 1000 * (web.cpu() - before) / measured.answers
        counted = queries.count(seeded.cookies[0], path) if name != BASE else 0
        speed[name] = {**asdict(measured), "cpu_ms": cpu, "queries": counted}
    for row in speed.values():
        row["of_bare"] = row["rate"] / speed[BASE]["rate"]
    print("opening pages in a slow browser…", flush=True)
    loaded = browser.measure(web.url, seeded.cookies[0], pages)
    print("opening 500 streams…", flush=True)
    return {
        "speed": speed,
        "browser": {name: asdict(row) for name, row in loaded.items()},
        "streams": asdict(streams.measure(web, seeded)),
    }


COLUMNS = (("rate", "req/s"), ("of_bare", "of bare"), ("p50", "p50 ms"), ("p95", "p95 ms"), ("cpu_ms", "CPU ms"))


def _print(found: dict[str, Any]) -> None:
    print(f"\n{'page':<12}" + "".join(f"{title:>9}" for _, title in COLUMNS) + f"{'queries':>9}{'errors':>8}")
    for name, row in found["speed"].items():
        numbers = "".join(f"{row[key]:>9.2f}" for key, _ in COLUMNS)
        print(f"{name:<12}{numbers}{row['queries']:>9}{row['errors']:>8}")
    print(f"\n{'first visit':<12}{'KB':>8}{'charts KB':>11}{'requests':>10}{'interactive ms (4x slower)':>28}")
    for name, row in found["browser"].items():
        print(f"{name:<12}{row['weight']:>8.1f}{row['charts']:>11.1f}{row['requests']:>10}{row['interactive']:>28.0f}")
    row = found["streams"]
    print(f"\n{row['open']} streams, silent: {row['idle_cpu']:.1f} % of a core")
    print(f"an event arrives after {row['late_p50']:.0f} ms (p95 {row['late_p95']:.0f} ms) at all of them")
    print(f"memory: {row['rss_before']:.0f} MB before, {row['rss_open']:.0f} open, {row['rss_after']:.0f} after events")


if __name__ == "__main__":
    main(sys.argv[1:])
