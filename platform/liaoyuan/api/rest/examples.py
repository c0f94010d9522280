"""A value for every schema: the first example that a field gives, else something of its type and form."""

from typing import Any, Final

Json = dict[str, Any]
REF: Final = "#/components/schemas/"
FORMS: Final = {
    "uuid": "3f2b8c1e-5d47-4a9b-9c62-0e8f7a1d2b34",
    "date-time": "2026-11-22T04:00:00Z",
    "date": "2026-11-22",
    "email": "li.wei@example.org",
    "binary": "(file)",
}
DEEPEST: Final = 8


def example_of(schema: Json, components: Json, depth: int = 0) -> Any:
    """An example that fits ``schema``; references are looked up in ``components``."""
    if "$ref" in schema:
        return example_of(components["schemas"][schema["$ref"].removeprefix(REF)], components, depth)
    for name in ("example", "const", "default"):
        if schema.get(name) is not None:
            return schema[name]
    for name in ("examples", "enum"):
        if schema.get(name):
            return schema[name][0]
    for name in ("anyOf", "oneOf", "allOf"):
        if schema.get(name):
            return _first(schema[name], components, depth)
    return _typed(schema, components, depth)


def _first(choices: list[Json], components: Json, depth: int) -> Any:
    real = [choice for choice in choices if choice.get("type") != "null"]
    return example_of(real[0], components, depth) if real else None


def _typed(schema: Json, components: Json, depth: int) -> Any:
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, components, depth)
    if kind == "array":
        inner = schema.get("items") or (schema.get("prefixItems") or [None])[0]
        return [example_of(inner, components, depth + 1)] if inner and depth < DEEPEST else []
    if kind == "string":
        return FORMS.get(schema.get("format", ""), "text".ljust(schema.get("minLength", 0), "x"))
    if kind == "integer":
        return max(int(schema.get("minimum", 1)), 1)
    if kind == "number":
        return schema.get("minimum", 0.5)
    return True if kind == "boolean" else None


def _object(schema: Json, components: Json, depth: int) -> Json:
    if depth >= DEEPEST:
        return {}
    return {name: example_of(inner, components, depth + 1) for name, inner in schema.get("properties", {}).items()}
