"""How a key looks, and what is refused before any look-up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaoyuan.accounts.keys import digest_equal, key_make, key_split, secret_digest

GOOD = "ly_0123456789ab_" + "s" * 43


def test_a_made_key_comes_apart_into_what_was_made() -> None:
    raw, prefix, digest = key_make()
    parts = key_split(raw)
    assert parts is not None
    assert parts.prefix == prefix
    assert digest_equal(secret_digest(parts.secret), digest)


def test_keys_do_not_repeat_and_are_long() -> None:
    made = {key_make()[0] for _ in range(200)}
    assert len(made) == 200
    assert all(len(raw) >= 3 + 12 + 1 + 43 for raw in made)


def test_the_digest_does_not_show_the_secret() -> None:
    raw, prefix, digest = key_make()
    assert raw.removeprefix(f"ly_{prefix}_") not in digest


def test_a_secret_of_one_purpose_is_none_of_another() -> None:
    assert secret_digest("same", purpose="api-key") != secret_digest("same", purpose="invitation")


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "ly",
        "ly__",
        "ly_0123456789ab_",
        "ly_0123456789ab",
        "LY_0123456789ab_secret",
        "ly_0123456789AB_secret",
        "ly_0123456789a_secret",
        "ly_0123456789abc_secret",
        "ly_0123456789\x00b_secret",
        "ly_０１２３456789ab_secret",
        "ly_0123456789ab_sec ret",
        "ly_0123456789ab_秘密",
        "ly_0123456789ab_" + "s" * 129,
        "ly_0123456789ab_secret\nly_0123456789ab_secret",
        "sk-proj-abcdef",
        "ly-0123456789ab-secret",
        "' OR 1=1 --",
    ],
)
def test_malformed_keys_are_no_keys(raw: str) -> None:
    assert key_split(raw) is None


def test_blanks_around_a_key_do_not_matter() -> None:
    assert key_split(f"  {GOOD}\t\n") == key_split(GOOD) is not None


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(raw: str) -> None:
    parts = key_split(raw)
    assert parts is None or raw.strip() == f"ly_{parts.prefix}_{parts.secret}"
