"""Every route of the platform, read from its own descriptions, so that a new one is tested without being named here."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Route:
    """One operation: ``action`` is empty where anybody may call it."""

    method: str
    path: str
    action: str
    body: dict[str, Any] | None
    multipart: bool
    query: dict[str, Any]

    @property
    def parameters(self) -> list[str]:
        return PLACEHOLDER.findall(self.path)

    @property
    def has_id(self) -> bool:
        return bool(set(self.parameters) - set(NAMES))

    def url(self, values: dict[str, str]) -> str:
        return PLACEHOLDER.sub(lambda match: values[match[1]], self.path)

    @property
    def streams(self) -> bool:
        return self.path.endswith("/events")

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


# Parts of a path that name something which every organization has.
NAMES = {"kind": "bundle", "industry": "medical", "scenario": "guideline-qa"}


def rest_routes() -> list[Route]:
    """The operations of ``/api/v1`` from its OpenAPI description."""
    from liaoyuan.api.rest.api import api

    found = []
    for path, item in api.get_openapi_schema(path_prefix="/api/v1/")["paths"].items():
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {})
            multipart = "multipart/form-data" in content
            # The description's own example: what is tested is who may ask, not what.
            body = content.get("application/json", {}).get("example")
            needed = [each for each in operation["parameters"] if each.get("required") and each["in"] == "query"]
            query = {each["name"]: each["example"] for each in needed}
            found.append(Route(method.upper(), path, operation["x-action"], body, multipart, query))
    return found


def send(client: Any, route: Route, values: dict[str, str], **more: Any) -> Any:
    """One request with a valid body."""
    options: dict[str, Any] = {"params": route.query} | more
    if route.multipart:
        # A form takes what it knows of these: documents are many, a list of questions is one.
        lines = b'{"question": "Q", "answerable": false}\n'
        options["files"] = [("files", ("a.md", b"# a", "text/markdown")), ("file", ("q.jsonl", lines, "text/plain"))]
    elif route.body is not None:
        options["json"] = route.body
    return client.request(route.method, route.url(values), **options)


def ids(value: UUID | str, route: Route) -> dict[str, str]:
    """The same id for every parameter that is one."""
    return {name: NAMES.get(name, str(value)) for name in route.parameters}
