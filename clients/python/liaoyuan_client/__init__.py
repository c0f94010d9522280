"""A thin, typed client of the Liaoyuan API: pages, runs that are followed, folders that are sent, errors with codes."""

from liaoyuan_client.client import Client
from liaoyuan_client.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotAuthenticated,
    NotFound,
    Problem,
    RateLimited,
    RunEnded,
    Unreachable,
)
from liaoyuan_client.events import Event

__all__ = [
    "Client",
    "Conflict",
    "Event",
    "Forbidden",
    "Invalid",
    "NotAuthenticated",
    "NotFound",
    "Problem",
    "RateLimited",
    "RunEnded",
    "Unreachable",
]
