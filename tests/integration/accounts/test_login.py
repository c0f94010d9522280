"""Signing in through allauth: one answer for every wrong pair, a lock after five, no open sign-up."""

import re
from uuid import uuid4

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from liaoyuan.accounts.models import User

LOGIN = "/accounts/login/"
PASSWORD = "a long walk in the rain"


@pytest.fixture
def user(database: str) -> User:
    return User.objects.create_user(f"{uuid4().hex}@example.org", PASSWORD)


def sign_in(browser: Client, email: str, password: str) -> HttpResponse:
    answer: HttpResponse = browser.post(LOGIN, {"login": email, "password": password})
    return answer


def signed_in(browser: Client) -> bool:
    return "_auth_user_id" in browser.session


def shape(answer: HttpResponse, email: str) -> tuple[int, str]:
    """The answer without what must differ: the address that was typed and the form's token."""
    text = answer.content.decode().replace(email, "ADDRESS")
    return answer.status_code, re.sub(r'(csrfmiddlewaretoken" value=")[^"]+', r"\1TOKEN", text)


def test_the_right_pair_signs_in(browser: Client, user: User) -> None:
    answer = sign_in(browser, user.email, PASSWORD)
    assert (answer.status_code, answer.headers["Location"]) == (302, settings.LOGIN_REDIRECT_URL)
    assert signed_in(browser)


def test_the_address_in_capitals_is_the_same_address(browser: Client, user: User) -> None:
    sign_in(browser, user.email.upper(), PASSWORD)
    assert signed_in(browser)


def test_a_wrong_password_and_an_unknown_address_have_one_answer(browser: Client, user: User) -> None:
    nobody = f"{uuid4().hex}@example.org"
    wrong = sign_in(browser, user.email, "not this one, sorry")
    unknown = sign_in(browser, nobody, "not this one, sorry")
    assert wrong.status_code == 200
    assert shape(wrong, user.email) == shape(unknown, nobody)
    assert not signed_in(browser)


def test_an_inactive_user_has_the_same_answer(browser: Client, user: User) -> None:
    User.objects.filter(id=user.id).update(is_active=False)
    nobody = f"{uuid4().hex}@example.org"
    assert shape(sign_in(browser, user.email, PASSWORD), user.email) == shape(
        sign_in(browser, nobody, PASSWORD), nobody
    )
    assert not signed_in(browser)


def test_a_user_without_a_password_cannot_sign_in(browser: Client, database: str) -> None:
    user = User.objects.create_user(f"{uuid4().hex}@example.org")
    for password in ("", "!", "None"):
        sign_in(browser, user.email, password)
    assert not signed_in(browser)


def lock(browser: Client, email: str) -> list[HttpResponse]:
    return [sign_in(browser, email, "not this one, sorry") for _ in range(settings.AXES_FAILURE_LIMIT)]


def test_after_five_wrong_ones_the_right_one_is_refused_too(browser: Client, user: User) -> None:
    """And the lock looks the same for an address that nobody has."""
    nobody = f"{uuid4().hex}@example.org"
    of_user, of_nobody = lock(browser, user.email), lock(browser, nobody)
    assert [answer.status_code for answer in of_user] == [200, 200, 200, 200, 429]
    assert [shape(answer, user.email) for answer in of_user] == [shape(answer, nobody) for answer in of_nobody]
    assert sign_in(browser, user.email.upper(), PASSWORD).status_code != 302
    assert not signed_in(browser)


def test_the_admin_has_no_door_of_its_own(browser: Client, user: User) -> None:
    """One place asks for passwords, so that one lock and one second step hold for all."""
    form = {"username": user.email, "password": PASSWORD, "next": "/"}
    answer = browser.post("/break-glass/login/", form)
    assert answer.status_code in {302, 404}
    assert answer.headers.get("Location", LOGIN).startswith(LOGIN)
    assert not signed_in(browser)


def test_the_lock_is_one_persons(browser: Client, user: User) -> None:
    """Behind one address of a hospital there are hundreds of people: the neighbour still comes in."""
    lock(browser, user.email)
    assert sign_in(browser, user.email, PASSWORD).status_code == 429
    neighbour = User.objects.create_user(f"{uuid4().hex}@example.org", PASSWORD)
    sign_in(browser, neighbour.email, PASSWORD)
    assert signed_in(browser)


def test_a_whole_ward_signs_in_behind_one_address(browser: Client, user: User) -> None:
    """At the change of shift, within one minute; nobody is told that there were too many requests."""
    answers = [sign_in(Client(), user.email, PASSWORD) for _ in range(35)]
    assert {answer.status_code for answer in answers} == {302}


def test_a_signed_in_person_can_prove_it_again(browser: Client, user: User) -> None:
    """What changes the second factor asks for the password once more."""
    sign_in(browser, user.email, PASSWORD)
    wrong = browser.post("/accounts/reauthenticate/", {"password": "not this one, sorry"})
    right = browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert (wrong.status_code, right.status_code) == (200, 302)


def test_sign_up_is_closed(browser: Client, database: str) -> None:
    email = f"{uuid4().hex}@example.org"
    form = {"email": email, "password1": PASSWORD, "password2": PASSWORD}
    answer = browser.post("/accounts/signup/", form)
    assert not User.objects.filter(email=email).exists()
    assert answer.status_code == 404
    assert not signed_in(browser)


def test_passwords_are_kept_by_argon2(user: User) -> None:
    assert user.password.startswith("argon2$argon2id$")
    assert PASSWORD not in user.password


def test_a_session_gets_a_new_name_at_sign_in(browser: Client, user: User) -> None:
    browser.get(LOGIN)
    session = browser.session
    session["planted"] = "yes"
    session.save()
    browser.cookies[settings.SESSION_COOKIE_NAME] = planted = session.session_key
    sign_in(browser, user.email, PASSWORD)
    assert signed_in(browser)
    assert browser.session.session_key != planted


def test_where_to_go_next_is_never_another_site(browser: Client, user: User) -> None:
    answer = browser.post(LOGIN, {"login": user.email, "password": PASSWORD, "next": "https://evil.example/"})
    assert answer.headers["Location"] == settings.LOGIN_REDIRECT_URL


def test_a_form_without_its_token_is_refused(user: User) -> None:
    strict = Client(enforce_csrf_checks=True, REMOTE_ADDR="10.251.0.1")
    assert sign_in(strict, user.email, PASSWORD).status_code == 403
