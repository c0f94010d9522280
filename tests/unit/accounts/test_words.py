"""Every role, action and audit entry has its words in both languages."""

import ast
import re
from pathlib import Path

from liaoyuan.accounts.models import Role
from liaoyuan.accounts.names import name_clean
from liaoyuan.accounts.policy import EVERYTHING, POLICY
from liaoyuan.accounts.words import ACTION_GROUPS, ACTIONS, EVENTS, ROLES, action_name, event_name, role_name

ACTION = re.compile(r"[a-z_]+\.[a-z_]+")
PACKAGE = Path(__file__).resolve().parents[3] / "platform" / "liaoyuan"


def test_every_action_of_the_policy_table_has_words_and_no_other() -> None:
    assert set(ACTIONS) == set(EVERYTHING) == set().union(*POLICY.values())
    assert sum(len(group) for group in ACTION_GROUPS.values()) == len(ACTIONS)


def test_every_role_has_words() -> None:
    assert set(ROLES) == {role.value for role in Role} == {str(role) for role in POLICY}


def test_no_two_actions_have_one_name() -> None:
    for language in ("zh", "en"):
        assert len({words.name(language) for words in ACTIONS.values()}) == len(ACTIONS)


def test_every_recorded_action_has_words() -> None:
    """Literals of ``audit_record`` itself and of the helpers ``_record`` that the pipeline writes through."""
    recorded: set[str] = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"audit_record", "_record"}:
                values = [*node.args, *(key.value for key in node.keywords if key.arg == "action")]
                texts = [value.value for value in values if isinstance(value, ast.Constant)]
                recorded |= {text for text in texts if isinstance(text, str) and ACTION.fullmatch(text)}
    assert len(recorded) > 15
    assert recorded - set(EVENTS) == set()


def test_the_unnamed_is_shown_as_written() -> None:
    assert (role_name("x", "zh"), action_name("x.y", "en"), event_name("x.y", "zh")) == ("x", "x.y", "x.y")


def test_a_clean_name_has_nothing_that_cannot_be_seen() -> None:
    cases = {
        "  林黛玉 ": "林黛玉",
        "ad\u200bmin": "admin",
        "\u202egnp.exe": "gnp.exe",
        "a\u2066b\u2069": "ab",
        "a\r\nb\tc": "a b c",
        "\ufeff": "",
        "e\u0301": "é",
        "a\u3000b": "a b",
        "x\x00y\ud800": "xy",
        "<b>": "<b>",
    }
    assert {typed: name_clean(typed) for typed in cases} == cases
