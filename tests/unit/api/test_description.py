"""The description of the API: whole, with an example that fits everything, and nothing taken away unnoticed."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

KEPT = Path(__file__).parent / "kept.json"
RENEW = "python -m tests.unit.api.keep"


@pytest.fixture(scope="module")
def schema() -> Any:
    from liaoyuan.api.rest.api import api

    return json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/")))


def every(schema: Any) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", found) for path, item in schema["paths"].items() for method, found in item.items()
    ]


def test_nothing_that_callers_rely_on_is_taken_away(schema: Any) -> None:
    """Operations, their names, scopes, parameters, required fields and answers: more is welcome, less is a break."""
    from tests.unit.api.keep import promises

    before, now = json.loads(KEPT.read_text(encoding="utf-8")), promises(schema)
    lost = sorted(set(before["operations"]) - set(now["operations"]))
    assert lost == [], f"gone: {lost}; if that is meant, {RENEW}"
    for name, kept in before["operations"].items():
        found = now["operations"][name]
        assert found["id"] == kept["id"] and found["scope"] == kept["scope"], name
        assert set(kept["parameters"]) <= set(found["parameters"]), name
        assert set(found["required"]) <= set(kept["required"]), f"{name} needs more than before"
        assert set(kept["answers"]) <= set(found["answers"]), name
        assert set(kept["fields"]) <= set(found["fields"]), f"{name} tells less than before"


def test_no_problem_code_is_taken_away_or_changes_its_status() -> None:
    from liaoyuan.api.rest.problem_codes import problem_codes

    before = json.loads(KEPT.read_text(encoding="utf-8"))["problems"]
    now = {row.code: row.status for row in problem_codes()}
    assert {code: now.get(code) for code in before} == before


def test_every_problem_speaks_both_languages() -> None:
    from liaoyuan.api.rest.problem_codes import problem_codes

    # The model server's own words are passed on as they are.
    for row in (row for row in problem_codes() if row.zh != "{detail}"):
        assert row.zh and row.en and row.zh != row.en, row.code
        assert any("\u4e00" <= sign <= "\u9fff" for sign in row.zh), row.code


def test_no_two_shapes_share_a_name(schema: Any) -> None:
    """The description knows shapes by their names alone: of two of one name it would show one in both places."""
    from ninja import Schema

    def all_below(kind: type) -> set[type]:
        return {kind}.union(*(all_below(each) for each in kind.__subclasses__()))

    ours = [each for each in all_below(Schema) if each.__module__.startswith("liaoyuan.")]
    shown = [each for each in ours if each.__name__ in schema["components"]["schemas"]]
    assert len(shown) > 100
    assert sorted(each.__name__ for each in shown) == sorted({each.__name__ for each in shown})


def test_every_operation_is_described(schema: Any) -> None:
    from liaoyuan.accounts.policy import EVERYTHING
    from liaoyuan.api.rest.words import OPERATIONS

    names = [found["operationId"] for _, found in every(schema)]
    assert len(names) == len(set(names))
    assert set(names) == set(OPERATIONS)
    for name, found in every(schema):
        assert found["summary"] and found["description"] and found["x-zh"]["description"], name
        scopes = [scope for each in found["security"] for scopes in each.values() for scope in scopes]
        assert set(scopes) <= EVERYTHING and bool(scopes) == bool(found["x-action"]), name
        assert {"422", "429"} <= set(found["responses"]), name
        success = [reply for status, reply in found["responses"].items() if status < "300" and status != "204"]
        for reply in success:
            assert all(content["schema"] != {"type": "object"} for content in reply["content"].values()), name


def test_every_example_fits_its_schema(schema: Any) -> None:
    for name, found in every(schema):
        bodies = [found.get("requestBody", {}), *found["responses"].values()]
        for media, kept in (content for body in bodies for content in body.get("content", {}).items()):
            if media == "application/json":
                whole = kept["schema"] | {"components": schema["components"]}
                wrong = [error.message for error in jsonschema.Draft202012Validator(whole).iter_errors(kept["example"])]
                assert wrong == [], name


def test_it_is_openapi_3_1(schema: Any) -> None:
    assert schema["openapi"] == "3.1.0"
    text = json.dumps(schema)
    for name in {part.split('"')[0] for part in text.split('"$ref": "')[1:]}:
        found: Any = schema
        for step in name.removeprefix("#/").split("/"):
            found = found[step]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_knows_every_operation(language: str, schema: Any) -> None:
    from liaoyuan.api.docs.reading import areas

    found = [operation for area in areas(schema, language) for operation in area.operations]
    assert len(found) == len(every(schema))
    assert all(operation.summary and operation.about for operation in found)
    asked = next(operation for operation in found if operation.name == "solution_ask")
    assert {field.name for field in asked.fields} == {"question", "mode"}
    assert asked.example.startswith("{") and "trace_id" in asked.replies[0].example
