"""Model output is untrusted: nothing in it fetches, runs or points outside."""

import pytest

from liaoyuan.security.guard.sanitise import own, sanitise_html, sanitise_markdown


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/x",
        "//evil.example/x",
        "\\\\evil.example\\x",
        "java\tscript:alert(1)",
        "data:text/html;base64,PHNjcmlwdD4=",
        "http://good.example@evil.example/",
        "file:///etc/passwd",
        "ftp://evil.example",
    ],
)
def test_foreign_addresses_are_not_ours(address: str) -> None:
    assert not own(address, {"good.example"})


@pytest.mark.parametrize("address", ["/documents/1", "#page=3", "image.png", "https://good.example/x"])
def test_own_addresses_stay(address: str) -> None:
    assert own(address, {"good.example"})


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a ![x](https://e.example/p.png?d=SECRET) b", "a  b"),
        ("![x][ref]\n\n[ref]: https://e.example/p.png", "\n\n"),
        ("<img src='https://e.example/p.png'>text", "text"),
        ("<script>alert(1)</script>text", "text"),
        ("<b onclick=alert(1)>x</b>", "x</b>"),
        ("<iframe src='//e.example'></iframe>x", "x"),
        ("[words](https://e.example)", "words"),
        ("see https://e.example/a?b=c now", "see  now"),
        ("[page 3](/documents/1#page=3)", "[page 3](/documents/1#page=3)"),
        ("{{7*7}} and a < b", "{{7*7}} and a < b"),
    ],
)
def test_markdown_keeps_its_words_and_loses_what_leaves_the_house(text: str, clean: str) -> None:
    assert sanitise_markdown(text) == clean


def test_html_keeps_an_allow_list() -> None:
    dirty = (
        '<p onclick="x()">a<a href="https://e.example">b</a><a href="/d">c</a><img src="//e.example/i.png">'
        "<svg onload=alert(1)></svg><style>*{}</style></p>"
    )
    clean = sanitise_html(dirty)
    assert "e.example" not in clean
    assert "onclick" not in clean
    assert "svg" not in clean
    assert 'href="/d"' in clean
    assert "noopener" in clean
