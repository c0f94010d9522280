"""How often a page asks the database, counted in this process by the test client."""

from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext


def count(cookie: str, path: str) -> int:
    """Statements of one warm request, those of both roles, transactions' own included."""
    client = Client(headers={"host": "localhost"})
    name, _, value = cookie.partition("=")
    client.cookies[name] = value
    client.get(path)
    with CaptureQueriesContext(connections["default"]) as ours, CaptureQueriesContext(connections["system"]) as system:
        client.get(path)
    return len(ours) + len(system)
