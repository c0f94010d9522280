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

    @property
    def parameters(self) -> list[str]:
        return PLACEHOLDER.findall(self.path)

    def url(self, values: dict[str, str]) -> str:
        return PLACEHOLDER.sub(lambda match: values[match[1]], self.path)

    @property
    def streams(self) -> bool:
        return self.path.endswith("/events")

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


# A valid body for each operation that needs one: what is tested is who may ask, not what.
BODIES: dict[str, dict[str, Any]] = {
    "/api/v1/solutions": {"name": "x", "industry": "medical", "scenario": "guideline-qa"},
    "/api/v1/collections": {"name": "x"},
    "/api/v1/solutions/{solution_id}/ask": {"question": "手卫生?"},
    "/api/v1/traces/{trace_id}/feedback": {"helpful": True},
    "/api/v1/invitations": {"email": "new@example.org", "role": "viewer"},
    "/api/v1/invitations/accept": {"token": "x" * 40, "password": "correct horse battery"},
    "/api/v1/keys": {"name": "x", "scopes": ["ask"]},
}


def rest_routes() -> list[Route]:
    """The operations of ``/api/v1`` from its OpenAPI description."""
    from liaoyuan.api.rest.api import api

    found = []
    for path, item in api.get_openapi_schema(path_prefix="/api/v1/")["paths"].items():
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {})
            multipart = "multipart/form-data" in content
            found.append(Route(method.upper(), path, operation["x-action"], BODIES.get(path), multipart))
    return found


def send(client: Any, route: Route, values: dict[str, str], **more: Any) -> Any:
    """One request with a valid body."""
    options: dict[str, Any] = dict(more)
    if route.multipart:
        options["files"] = [("files", ("a.md", b"# a", "text/markdown"))]
    elif route.body is not None:
        options["json"] = route.body
    return client.request(route.method, route.url(values), **options)


def ids(value: UUID | str, route: Route) -> dict[str, str]:
    """The same id for every parameter; a lineage kind is no id."""
    return {name: "bundle" if name == "kind" else str(value) for name in route.parameters}
