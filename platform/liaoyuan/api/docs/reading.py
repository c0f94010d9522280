"""The API's description, ready for its page: areas, operations, fields and examples in one language."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from liaoyuan.api.rest.describe import Json, operations
from liaoyuan.api.rest.words import AREAS, sentence, summary

REF: Final = "#/components/"
DEEPEST: Final = 3


@dataclass(frozen=True)
class Field:
    """One parameter or field. ``name`` has the path of a nested one, ``kind`` its type in words."""

    name: str
    kind: str
    required: bool
    about: str
    place: str = ""


@dataclass(frozen=True)
class Reply:
    """One status with the headers that it carries and an example of its body."""

    status: str
    about: str
    example: str
    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """One thing that may be asked."""

    name: str
    method: str
    path: str
    summary: str
    about: str
    scope: str
    limit: str
    parameters: tuple[Field, ...] = ()
    fields: tuple[Field, ...] = ()
    media: str = ""
    example: str = ""
    replies: tuple[Reply, ...] = ()
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Area:
    """Operations that belong together."""

    name: str
    title: str
    operations: list[Operation] = field(default_factory=list)


def areas(schema: Json, language: str) -> list[Area]:
    """Every area with its operations, in the order of the description."""
    found = {name: Area(name, titles[1] if language == "zh" else titles[0]) for name, titles in AREAS.items()}
    for path, method, operation in operations(schema):
        found[operation["tags"][0]].operations.append(_operation(schema, path, method, operation, language))
    return list(found.values())


def _operation(schema: Json, path: str, method: str, operation: Json, language: str) -> Operation:
    name = operation["operationId"]
    bodies: dict[str, Json] = operation.get("requestBody", {}).get("content", {})
    media = next(iter(bodies), "")
    content = bodies.get(media, {})
    replies = [_reply(schema, status, reply) for status, reply in operation["responses"].items()]
    return Operation(
        name=name,
        method=method,
        path=path,
        summary=summary(name, language),
        about=sentence(name, operation.get("description", ""), language).replace("``", "`"),
        scope=operation["x-action"],
        limit=operation["x-rate-limit"],
        parameters=tuple(_parameter(schema, parameter) for parameter in operation["parameters"]),
        fields=tuple(_fields(schema, content.get("schema", {}))),
        media=media,
        example=_json(content.get("example")),
        replies=tuple(reply for reply in replies if reply.status < "400"),
        refusals=tuple(reply.status for reply in replies if reply.status >= "400"),
    )


def _parameter(schema: Json, parameter: Json) -> Field:
    found = _resolved(schema, parameter)
    about = found.get("description", "")
    return Field(found["name"], _kind(schema, found["schema"]), found.get("required", False), about, found["in"])


def _reply(schema: Json, status: str, reply: Json) -> Reply:
    found = _resolved(schema, reply)
    content: Json = next(iter(found.get("content", {}).values()), {})
    headers = tuple(name for name in found.get("headers", {}) if not name.startswith(("RateLimit", "X-Request")))
    return Reply(status, found["description"], _json(content.get("example")), headers)


def _fields(schema: Json, body: Json, prefix: str = "", depth: int = 0) -> Iterator[Field]:
    found = _resolved(schema, _real(body))
    if depth >= DEEPEST:
        return
    for name, inner in found.get("properties", {}).items():
        required = name in found.get("required", [])
        about = inner.get("description", "")
        yield Field(f"{prefix}{name}", _kind(schema, inner), required, about)
        yield from _fields(schema, inner, f"{prefix}{name}.", depth + 1)


def _kind(schema: Json, field_schema: Json) -> str:
    real = _real(field_schema)
    found = _resolved(schema, real)
    if "enum" in found:
        return " · ".join(str(value) for value in found["enum"])
    if found.get("type") == "array":
        return f"[{_kind(schema, found.get('items', {}))}]"
    kind = str(found.get("format") or found.get("type") or "any")
    bounds = [found.get("minimum", found.get("minLength")), found.get("maximum", found.get("maxLength"))]
    return f"{kind} {_bound(bounds[0])}…{_bound(bounds[1])}" if any(bound is not None for bound in bounds) else kind


def _bound(value: Any) -> str:
    return "" if value is None else str(value)


def _real(field_schema: Json) -> Json:
    """What a field may hold beside null."""
    choices: list[Json] = [choice for choice in field_schema.get("anyOf", []) if choice.get("type") != "null"]
    return choices[0] if choices else field_schema


def _resolved(schema: Json, part: Json) -> Json:
    if "$ref" not in part:
        return part
    found: Json = schema
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found


def _json(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, indent=2)
