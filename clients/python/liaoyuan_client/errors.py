"""Problems as exceptions: the class by the kind of trouble, ``code`` for programs, the text for people."""

from typing import Any

import httpx


class Problem(Exception):
    """An answer of application/problem+json. ``code`` is stable; ``str()`` is the sentence in your language."""

    def __init__(self, body: dict[str, Any], status: int, *, retry_after: float | None = None, request_id: str = ""):
        self.status = status
        self.code = str(body.get("code", "unknown"))
        self.detail = str(body.get("detail", ""))
        self.retryable = bool(body.get("retryable", False))
        self.errors: list[dict[str, str]] = list(body.get("errors", []))
        self.retry_after = retry_after
        self.request_id = request_id
        super().__init__(f"{self.code}: {self.detail}" if self.detail else self.code)


class NotAuthenticated(Problem):
    """No key, or one that is wrong, revoked or expired (401)."""


class Forbidden(Problem):
    """The role or the key's scopes do not allow it (403)."""


class NotFound(Problem):
    """It does not exist, or not for you (404)."""


class Conflict(Problem):
    """The state of things does not allow it now (409), or somebody changed it meanwhile (412)."""


class Invalid(Problem):
    """A parameter or a field is wrong (400, 413, 422); ``errors`` names the fields."""


class RateLimited(Problem):
    """Too many requests, or the daily quota is used up (429); ``retry_after`` in seconds."""


class Unreachable(Exception):
    """The server did not answer, and what was asked could not be asked again safely, or not often enough."""


class RunEnded(Exception):
    """A run that was waited for did not succeed; ``run`` is its last state."""

    def __init__(self, run: dict[str, Any]):
        self.run = run
        error = run.get("error") or {}
        said = error.get("en") or error.get("zh") or run.get("message") or ""
        super().__init__(f"{run.get('stage')} {run.get('state')}: {error.get('code', '')} {said}".strip())


CLASSES: dict[int, type[Problem]] = {
    400: Invalid,
    401: NotAuthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: Conflict,
    413: Invalid,
    422: Invalid,
    429: RateLimited,
}


def problem_of(response: httpx.Response) -> Problem:
    """The exception for an answer that is not a success."""
    try:
        body = response.json()
    except ValueError:
        body = {}
    after = response.headers.get("Retry-After", "")
    return CLASSES.get(response.status_code, Problem)(
        body if isinstance(body, dict) else {},
        response.status_code,
        retry_after=float(after) if after.isdigit() else None,
        request_id=response.headers.get("X-Request-Id", ""),
    )
