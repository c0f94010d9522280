"""What callers rely on, in a file that is changed on purpose only: ``python -m tests.unit.api.keep`` writes it."""

import json
import os
import sys
from pathlib import Path
from typing import Any

KEPT = Path(__file__).parent / "kept.json"


def promises(schema: dict[str, Any]) -> dict[str, Any]:
    """For each operation: name, scope, parameters, required ones, statuses, and the fields of its answer."""
    found = {}
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            parameters = [part for part in operation["parameters"] if "name" in part]
            body = next(iter(operation.get("requestBody", {}).get("content", {}).values()), {}).get("schema", {})
            needed = [part["name"] for part in parameters if part.get("required")]
            found[f"{method.upper()} {path}"] = {
                "id": operation["operationId"],
                "scope": operation["x-action"],
                "parameters": sorted(part["name"] for part in parameters),
                "required": sorted(needed + list(_resolved(schema, body).get("required", []))),
                "answers": sorted(status for status in operation["responses"] if status < "300"),
                "fields": sorted(_fields(schema, operation["responses"])),
            }
    return {"operations": found}


def _fields(schema: dict[str, Any], responses: dict[str, Any]) -> set[str]:
    fields: set[str] = set()
    for status, reply in responses.items():
        for content in reply.get("content", {}).values() if status < "300" else ():
            shown = _resolved(schema, content.get("schema", {}))
            shown = _resolved(schema, shown["items"]) if shown.get("type") == "array" else shown
            for name, inner in shown.get("properties", {}).items():
                fields.add(name)
                item = _resolved(schema, inner.get("items", {})) if isinstance(inner, dict) else {}
                fields |= {f"{name}.{deeper}" for deeper in item.get("properties", {})}
    return fields


def _resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    found: Any = schema
    if "$ref" not in part:
        return part
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)


def main() -> None:
    sys.path.append(str(Path(__file__).resolve().parents[3] / "platform"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liaoyuan.config.settings")
    import django

    django.setup()
    from liaoyuan.api.rest.api import api
    from liaoyuan.api.rest.problem_codes import problem_codes

    kept = promises(json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/"))))
    kept["problems"] = {row.code: row.status for row in problem_codes()}
    KEPT.write_text(json.dumps(kept, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
