"""What people do most, each in one call; everything else by ``get``, ``post``, ``put``, ``patch`` and ``delete``."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from liaoyuan_client.errors import RunEnded
from liaoyuan_client.events import Event, follow
from liaoyuan_client.transport import Transport
from liaoyuan_client.uploading import Report, send

Json = dict[str, Any]
ENDED = frozenset({"succeeded", "failed", "errored", "cancelled", "dead"})
PREFIX = "/api/v1"


class Client:
    """One server, one API key.

    ``language`` ("zh" or "en") is that of sentences, ``retries`` how often a request is sent again where that is safe.
    ``http`` brings a client of your own (proxies, certificates); it is not closed here.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        language: str = "en",
        timeout: float = 60.0,
        retries: int = 3,
        http: httpx.Client | None = None,
    ):
        base = url.rstrip("/").removesuffix(PREFIX) + PREFIX
        self.transport = Transport(base, key, language=language, timeout=timeout, retries=retries, http=http)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self.transport.close()

    def get(self, path: str, **query: Any) -> Any:
        """``GET`` with these query parameters; None is left out."""
        return self.transport.json("GET", path, params=_given(query))

    def post(self, path: str, body: Any = None, *, idempotency_key: str = "") -> Any:
        """``POST``; without a key of your own each call is a new request, however often it is tried."""
        return self.transport.json("POST", path, json=body, idempotency_key=idempotency_key)

    def put(self, path: str, body: Any, *, etag: str = "") -> Any:
        """``PUT``; with the ``etag`` that you saw, only if nobody changed it since."""
        return self.transport.json("PUT", path, json=body, headers={"If-Match": etag} if etag else {})

    def patch(self, path: str, body: Any, *, etag: str = "") -> Any:
        """``PATCH``; with the ``etag`` that you saw, only if nobody changed it since. It is not tried again."""
        return self.transport.json("PATCH", path, json=body, headers={"If-Match": etag} if etag else {})

    def delete(self, path: str) -> Any:
        """``DELETE``."""
        return self.transport.json("DELETE", path)

    def tagged(self, path: str) -> tuple[Json, str]:
        """What ``path`` shows, and its ETag for a change."""
        response = self.transport.request("GET", path)
        return response.json(), response.headers.get("ETag", "")

    def pages(self, path: str, **query: Any) -> Iterator[list[Json]]:
        """The pages of a list, one request each."""
        cursor: str | None = None
        while True:
            found = self.get(path, cursor=cursor, **query)
            yield list(found["items"])
            cursor = found["next"]
            if not cursor:
                return

    def each(self, path: str, **query: Any) -> Iterator[Json]:
        """Every row of a list, page after page as they are needed."""
        for items in self.pages(path, **query):
            yield from items

    def me(self) -> Json:
        """Who you are here, and what you may do."""
        return dict(self.get("/me"))

    def solution(self, name: str, industry: str, scenario: str, collection_id: str | None = None) -> Json:
        """The solution of this name, made if need be."""
        body = {"name": name, "industry": industry, "scenario": scenario, "collection_id": collection_id}
        return dict(self.post("/solutions", body))

    def collection(self, name: str) -> Json:
        """The collection of this name, made if need be."""
        return dict(self.post("/collections", {"name": name}))

    def start(self, solution_id: str, *, idempotency_key: str = "") -> list[Json]:
        """Start a pass through the six stages; its runs in order."""
        return list(self.post(f"/solutions/{solution_id}/runs", idempotency_key=idempotency_key)["runs"])

    def upload(
        self,
        collection_id: str,
        *paths: str | Path,
        groups: Iterable[str] = (),
        report: Report = lambda name, sent, size: None,
    ) -> Json:
        """Send files and folders in parts and start their import; the run to wait for."""
        return send(self.transport, collection_id, [Path(path) for path in paths], groups=groups, report=report)

    def run(self, run_id: str) -> Json:
        """One run as it is now."""
        return dict(self.get(f"/runs/{run_id}"))

    def events(self, run_id: str, *, after: int = 0) -> Iterator[Event]:
        """What happens to a run to its end, from its beginning or after an event; survives a broken connection."""
        return follow(self.transport, f"/runs/{run_id}/events", after=after)

    def wait(self, run_id: str, *, seconds: float = 3600.0) -> Json:
        """The run when it has succeeded. Raises RunEnded where it ended otherwise, TimeoutError."""
        until = time.monotonic() + seconds
        run = self.run(run_id)
        while run["state"] not in ENDED:
            # Events end with the run: one that is tried again has more of them.
            for event in self.events(run_id):
                if time.monotonic() > until:
                    raise TimeoutError(f"run {run_id} is still {run['state']} after {seconds:.0f} s")
                if event.kind != "progress" and (run := self.run(run_id))["state"] in ENDED:
                    break
            else:
                run = self.run(run_id)
        if run["state"] != "succeeded":
            raise RunEnded(run)
        return run

    def ask(self, solution_id: str, question: str, *, mode: str | None = None) -> Json:
        """One question: the answer with its citations, or an abstention."""
        return dict(self.post(f"/solutions/{solution_id}/ask", {"question": question, "mode": mode}))

    def search(self, collection_id: str, query: str, *, k: int = 10) -> list[Json]:
        """The best chunks for a query, each with document, version, page and box."""
        return list(self.post(f"/collections/{collection_id}/retrieve", {"query": query, "k": k})["hits"])

    def feedback(self, trace_id: str, *, helpful: bool, reason: str = "", comment: str = "") -> Json:
        """Say whether an answer helped; a bad one needs a reason."""
        body = {"helpful": helpful, "reason": reason, "comment": comment}
        return dict(self.post(f"/traces/{trace_id}/feedback", body))


def _given(query: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}
