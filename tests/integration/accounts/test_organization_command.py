"""``manage.py organization create``."""

import json
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command

from liaoyuan.accounts.models import Organization
from liaoyuan.accounts.tenancy import system_context, tenant_context


def create(name: str) -> dict[str, Any]:
    out = StringIO()
    call_command("organization", "create", name, "--json", stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return answer


def test_the_second_time_it_exists_already(database: str) -> None:
    name = f"clinic {uuid4()}"
    first, second = create(name), create(name)
    assert (first["created"], second["created"]) == (True, False)
    assert first["id"] == second["id"]


@pytest.mark.parametrize(
    "name", ["第一 人民医院", "<b>bold</b> & co", "o'clock; DROP TABLE x", '"quoted"', "{braces} %s"]
)
def test_a_name_is_kept_as_it_was_given(database: str, name: str) -> None:
    name = f"{name} {uuid4()}"
    made = create(f"  {name}\t")
    assert made["name"] == name
    with tenant_context(made["id"]):
        assert Organization.objects.get().name == name


def test_for_people_it_prints_a_line(database: str) -> None:
    out, name = StringIO(), f"clinic {uuid4()}"
    call_command("organization", "create", name, stdout=out)
    assert name in out.getvalue()
    assert "created" in out.getvalue()


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, "two\nlines", "nul\x00", "bell\x07"])
def test_a_name_that_cannot_be_shown_is_refused_in_both_languages(database: str, name: str) -> None:
    told = StringIO()
    with pytest.raises(SystemExit) as stop:
        call_command("organization", "create", name, stderr=told)
    assert stop.value.code == 1
    assert "组织名称" in told.getvalue()
    assert "organization's name" in told.getvalue()
    with system_context("test") as alias:
        assert not Organization.objects.using(alias).filter(name__in=["", "two\nlines", "bell\x07"]).exists()
