"""What pages keep between requests to be drawn faster: never stale, never one organization's before another."""

from collections.abc import Callable

import pytest
from django.http import HttpRequest
from django.template import engines
from django.utils.safestring import mark_safe
from django_cotton.compiler_regex import CottonCompiler

from liaoyuan.accounts.models import Member
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.services import collection_create
from liaoyuan.portal.shell import components
from tests.integration.portal.test_documents import browser

Draw = Callable[..., str]


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch) -> Draw:
    """Draws a piece of a template with what it is given; nothing is kept from before."""
    monkeypatch.setattr(components, "_drawn", {})

    def drawn(source: str, **given: object) -> str:
        template = engines["django"].from_string(CottonCompiler().process(source))
        return str(template.render(given, HttpRequest()))

    return drawn


def test_a_badge_is_drawn_once_and_reads_the_same_again(draw: Draw) -> None:
    first = draw('<c-badge state="running" id="one">Running</c-badge>')
    again = draw('<c-badge state="running" id="one">Running</c-badge>')

    assert again == first
    assert 'class="state state-running"' in first
    assert 'id="one"' in first


def test_one_organizations_words_never_stand_in_anothers_badge(draw: Draw) -> None:
    ours = draw("<c-badge state='neutral'>{{ name }}</c-badge>", name="第一医院")
    theirs = draw("<c-badge state='neutral'>{{ name }}</c-badge>", name="第二医院")

    assert "第一医院" in ours
    assert "第二医院" in theirs
    assert "第一医院" not in theirs


def test_a_text_that_equals_kept_markup_is_still_escaped(draw: Draw) -> None:
    marked = draw('<c-badge state="neutral" :title="text">x</c-badge>', text=mark_safe("a &amp; b"))
    plain = draw('<c-badge state="neutral" :title="text">x</c-badge>', text="a &amp; b")

    assert 'title="a &amp; b"' in marked
    assert 'title="a &amp;amp; b"' in plain


def test_true_and_one_are_different_attributes(draw: Draw) -> None:
    assert ' hidden="1"' in draw('<c-icon name="house" :hidden="it" />', it=1)
    assert ' aria-hidden="true" hidden>' in draw('<c-icon name="house" :hidden="it" />', it=True)


def test_a_long_slot_is_drawn_and_not_kept(draw: Draw) -> None:
    draw("<c-badge state='neutral'>{{ text }}</c-badge>", text="很" * 1000)

    assert not components._drawn


def test_what_is_kept_stays_bounded(draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(components, "MOST_KEPT", 10)

    for number in range(25):
        assert f">{number}<" in draw("<c-badge state='neutral'>{{ number }}</c-badge>", number=number)

    assert len(components._drawn) <= 10


def test_a_button_whose_address_is_worked_out_is_not_kept(draw: Draw) -> None:
    assert 'href="/one"' in draw('<c-button href="{{ address }}">go</c-button>', address="/one")
    assert 'href="/two"' in draw('<c-button href="{{ address }}">go</c-button>', address="/two")
    assert not [key for key in components._drawn if "go" in key[2]]


def test_two_organizations_through_the_same_kept_parts_see_only_their_own(owner: Member, stranger: Member) -> None:
    for member, name in ((owner, "一院制度"), (stranger, "二院制度")):
        with tenant_context(member.organization_id, member.user_id):
            collection_create(name=name)

    for _ in range(2):
        first, second = (browser(member).get("/collections/").content.decode() for member in (owner, stranger))

        assert "一院制度" in first
        assert "二院制度" not in first
        assert "二院制度" in second
        assert "一院制度" not in second
