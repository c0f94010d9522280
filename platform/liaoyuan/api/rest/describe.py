"""What ninja's description of the API leaves out: scopes, errors, headers, idempotency, an example of everything."""

from collections.abc import Iterator
from typing import Any, Final

from liaoyuan.api.rest.examples import example_of
from liaoyuan.api.rest.idempotency import HEADER, LONGEST, REPLAYED
from liaoyuan.api.rest.words import AREAS, sentence, summary

Json = dict[str, Any]
PROBLEM: Final = "application/problem+json"
KEY, SESSION = "key", "session"
SCHEMES: Final[Json] = {
    KEY: {"type": "http", "scheme": "bearer", "bearerFormat": "ly_…", "description": "An API key with its scopes"},
    SESSION: {
        "type": "apiKey",
        "in": "cookie",
        "name": "sessionid",
        "description": "A signed-in browser; writing needs its CSRF token in X-CSRFToken",
    },
}
PROBLEM_SCHEMA: Final[Json] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. `code` is stable, `detail` speaks the language of Accept-Language.",
    "required": ["type", "status", "code", "detail", "retryable"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:liaoyuan:problem:not_found"]},
        "status": {"type": "integer", "examples": [404]},
        "code": {"type": "string", "description": "one of GET /api/v1/problems", "examples": ["not_found"]},
        "detail": {
            "type": "string",
            "examples": ["Not found. Check the identifier, or ask an administrator about your rights."],
        },
        "retryable": {"type": "boolean", "description": "whether the same request may succeed later"},
        "errors": {
            "type": "array",
            "description": "the fields that are wrong",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {
                    "field": {"type": "string", "examples": ["body.name"]},
                    "message": {"type": "string", "examples": ["Field required"]},
                },
            },
        },
    },
}
WORDS: Final = {
    "400": "The request cannot be read",
    "401": "No valid key and no session",
    "403": "The role, the key's scopes or the CSRF token do not allow it",
    "404": "It does not exist, or not for the caller",
    "409": "The state of things does not allow it now",
    "412": "If-Match names an older state",
    "413": "The body is too large",
    "422": "A parameter or a field is wrong",
    "429": "The rate limit, or the organization's daily quota, is used up",
    "503": "Something that is needed does not answer; try again",
}
HEADERS: Final[Json] = {
    "X-Request-Id": {"schema": {"type": "string"}, "description": "Name it when you report a problem"},
    "RateLimit-Limit": {"schema": {"type": "integer"}, "description": "Requests a minute"},
    "RateLimit-Remaining": {"schema": {"type": "integer"}, "description": "Requests left now"},
    "RateLimit-Reset": {"schema": {"type": "integer"}, "description": "Seconds until all are back"},
    "Location": {"schema": {"type": "string"}, "description": "Address of what was made, or of the run to follow"},
    "Link": {"schema": {"type": "string"}, "description": 'Address of the next page, rel="next"'},
    "ETag": {"schema": {"type": "string"}, "description": "Send it as If-Match to change exactly this state"},
    "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds"},
    REPLAYED: {"schema": {"type": "string"}, "description": "`true`: the answer of the first request with this key"},
}
PARAMETERS: Final[Json] = {
    HEADER: {
        "name": HEADER,
        "in": "header",
        "required": False,
        "description": "The same key and body give the same answer for 24 hours; with another body it is refused.",
        "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": r"^[!-~]+$"},
        "example": "8f14e45f-ceea-467f-9575-2b1d6b7e0e1a",
    },
    "If-Match": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "The ETag that you saw last: if somebody changed it since, nothing happens (412).",
        "schema": {"type": "string", "maxLength": 100, "pattern": r'^(\*|"[0-9a-f]{1,64}")$'},
        "example": '"5d41402abc4b2a76"',
    },
    "Last-Event-ID": {
        "name": "Last-Event-ID",
        "in": "header",
        "required": False,
        "description": "Go on after this event.",
        "schema": {"type": "string", "pattern": r"^[0-9]{1,18}$"},
        "example": "4711",
    },
}
MATCHED: Final = ("PATCH", "PUT")


def describe(schema: Json) -> None:
    """Write into ``schema`` all that a caller needs, so that nothing has to be guessed."""
    components = schema["components"]
    components["securitySchemes"] = SCHEMES
    components["schemas"]["Problem"] = PROBLEM_SCHEMA
    components["headers"] = HEADERS
    components["responses"] = {status: _problem(status, text) for status, text in WORDS.items()}
    components["parameters"] = PARAMETERS
    schema["tags"] = [
        {"name": tag, "description": english, "x-zh": chinese} for tag, (english, chinese) in AREAS.items()
    ]
    for path, method, operation in operations(schema):
        _operation(path, method, operation, components)


def operations(schema: Json) -> Iterator[tuple[str, str, Json]]:
    """Path, method in capitals and operation, in the order of the document."""
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            yield path, method.upper(), operation


def _operation(path: str, method: str, operation: Json, components: Json) -> None:
    action, name = operation["x-action"], operation["operationId"]
    operation["summary"] = summary(name, "en")
    operation["x-zh"] = {"summary": summary(name, "zh"), "description": sentence(name, "", "zh")}
    operation.pop("security", None)
    operation["security"] = [{KEY: [action]}, {SESSION: [action]}] if action else []
    parameters = operation["parameters"]
    for parameter in parameters:
        found = parameter.pop("examples", None)
        parameter["example"] = found[0] if found else example_of(parameter["schema"], components)
    for name in _headers_taken(path, method, action):
        parameters.append({"$ref": f"#/components/parameters/{name}"})
    for content in operation.get("requestBody", {}).get("content", {}).values():
        content["example"] = example_of(content["schema"], components)
    responses = {str(status): response for status, response in operation["responses"].items()}
    for status, response in responses.items():
        _response(status, response, method, components)
    for status in _problems(path, method, action):
        responses.setdefault(status, {"$ref": f"#/components/responses/{status}"})
    operation["responses"] = dict(sorted(responses.items()))


def _headers_taken(path: str, method: str, action: str) -> list[str]:
    found = [HEADER] if method == "POST" and action else []
    found += ["If-Match"] if method in MATCHED else []
    return found + (["Last-Event-ID"] if path.endswith("/events") else [])


def _problems(path: str, method: str, action: str) -> list[str]:
    found = ["422", "429", "503"] if method == "GET" else ["400", "409", "413", "422", "429", "503"]
    found += ["401", "403"] if action else []
    found += ["404"] if "{" in path or method != "GET" else []
    return found + (["412"] if method in MATCHED else [])


def _response(status: str, response: Json, method: str, components: Json) -> None:
    for content in response.get("content", {}).values():
        if "schema" in content:
            content["example"] = example_of(content["schema"], components)
    names = ["X-Request-Id", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"]
    names += ["Location"] if status in {"201", "202"} else []
    names += [REPLAYED] if method == "POST" else []
    names += ["ETag"] if method in MATCHED else []
    schema: Json = next((content.get("schema", {}) for content in response.get("content", {}).values()), {})
    names += ["Link"] if str(schema.get("$ref", "")).endswith("Page") else []
    response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _problem(status: str, text: str) -> Json:
    example = {"status": int(status), "detail": text}
    found: Json = {
        "description": text,
        "content": {
            PROBLEM: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": example_of(PROBLEM_SCHEMA, {}) | example,
            }
        },
    }
    if status in {"409", "429", "503"}:
        found["headers"] = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
    return found
