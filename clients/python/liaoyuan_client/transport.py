"""One request: authenticated, tried again where that is safe, turned into a value or an exception.

Safe are GET, HEAD, PUT and DELETE, and a POST that carries an Idempotency-Key: the server answers a repeated one with
what it did the first time. Every POST of this client carries one, the same for all its tries.
"""

import random
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from liaoyuan_client.errors import Problem, Unreachable, problem_of

SAFE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
AGAIN = frozenset({429, 502, 503, 504})
LONGEST_WAIT = 30.0
KEY = "Idempotency-Key"


class Transport:
    """The connection to one server for one key; ``retries`` is how often a safe request is sent again."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        language: str = "en",
        timeout: float = 60.0,
        retries: int = 3,
        http: httpx.Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ):
        self.url = url.rstrip("/")
        self.retries = retries
        self.sleep = sleep
        self._own = http is None
        self.http = http or httpx.Client(timeout=timeout)
        self.headers = {"Authorization": f"Bearer {key}", "Accept-Language": language}

    def close(self) -> None:
        """Close the connection, if it is our own."""
        if self._own:
            self.http.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        idempotency_key: str = "",
        **more: Any,
    ) -> httpx.Response:
        """The successful answer. Raises Problem, Unreachable."""
        sent = self.headers | dict(headers or {})
        if method == "POST":
            sent[KEY] = idempotency_key or str(uuid.uuid4())
        may_repeat = method in SAFE or KEY in sent
        for attempt in range(self.retries + 1):
            last = attempt == self.retries or not may_repeat
            try:
                response = self.http.request(method, self.url + path, headers=sent, **more)
            except httpx.TransportError as error:
                if last:
                    raise Unreachable(f"{method} {path}: {error}") from error
                self.sleep(pause(attempt, None))
                continue
            if response.is_success:
                return response
            problem = problem_of(response)
            if last or not worth_repeating(problem):
                raise problem
            self.sleep(pause(attempt, problem.retry_after))
        raise Unreachable(f"{method} {path}")

    def json(self, method: str, path: str, **more: Any) -> Any:
        """The JSON of the successful answer; None for an empty one."""
        response = self.request(method, path, **more)
        return response.json() if response.content else None


def worth_repeating(problem: Problem) -> bool:
    """A limit that is told when it ends, a server that is away for a moment, or a twin that is still worked on."""
    if problem.code == "insufficient_quota":
        return False
    return problem.status in AGAIN or problem.code == "idempotency_in_progress"


def pause(attempt: int, retry_after: float | None) -> float:
    """Seconds before the next try: what the server asks for, else twice as long each time, and never all at once."""
    if retry_after is not None:
        return min(retry_after, LONGEST_WAIT)
    return float(min(0.25 * 2**attempt, LONGEST_WAIT) * random.uniform(0.75, 1.25))  # noqa: S311 - no secret
