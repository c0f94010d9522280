"""Every address of the platform: who gets in without a name, with each role, and with somebody else's id."""

import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.integration.surface.conftest import Place, inert, places, portal_pages

ROLES = ("owner", "steward", "annotator", "developer", "auditor", "viewer")
Window = Callable[..., Client]
# Open to strangers, and why.
PUBLIC = {
    "liaoyuan.portal.account.entrance.invitation": "an invitation's token is the key",
    "liaoyuan.portal.account.entrance.enter": "a one-time link's token is the key",
    "liaoyuan.portal.account.entrance.forgotten": "whoever forgot a password is nobody yet",
    "liaoyuan.portal.account.entrance.closed": "always 404",
    "django.views.i18n.set_language": "a stranger reads the login page in their language",
}
# They only choose among views that stand behind the door; the crawl below walks through them as through any other.
DISPATCHERS = {"liaoyuan.portal.stages.views.stage", "liaoyuan.portal.stages.views.stage_head"}
PUBLIC_PREFIXES = ("accounts/",)
OF_OUR_OWN = "liaoyuan."


def is_public(place: Place) -> bool:
    return place.view in PUBLIC or (place.pattern.startswith(PUBLIC_PREFIXES) and not place.view.startswith(OF_OUR_OWN))


def test_every_view_of_ours_stands_behind_a_door() -> None:
    """A view that forgets the decorator is open to anybody, or to nobody's rules."""
    from liaoyuan.console.door import PAGES as CONSOLE
    from liaoyuan.portal.door import PAGES

    found = places()
    assert len(found) > 60
    outside = [
        str(place) for place in found if place.view not in {*PAGES, *CONSOLE, *DISPATCHERS} and not is_public(place)
    ]
    assert outside == []


def test_every_page_asks_for_an_action_of_the_policy_table() -> None:
    from liaoyuan.accounts.policy import EVERYTHING
    from liaoyuan.portal.door import PAGES

    assert {page.action for page in PAGES.values()} - EVERYTHING == set()


def test_every_operation_of_the_api_names_its_action() -> None:
    from liaoyuan.accounts.policy import EVERYTHING
    from tests.integration.api.routes import rest_routes

    routes = rest_routes()
    assert len(routes) > 20
    nameless = {str(route) for route in routes if route.action not in EVERYTHING}
    # A token is the key of the first; the second explains the codes of errors and knows nobody.
    assert nameless <= {"POST /api/v1/invitations/accept", "GET /api/v1/problems"}


@pytest.mark.parametrize("place", places(), ids=str)
def test_a_stranger_comes_nowhere_without_signing_in(place: Place, window: Window) -> None:
    client = window()
    for method in ("get", "post", "put", "delete"):
        answer = getattr(client, method)(place.url())
        if is_public(place):
            assert answer.status_code < 500, method
            continue
        sent = answer.headers.get("Location", "")
        to_login = answer.status_code == 302 and sent.startswith("/accounts/login/")
        assert to_login or answer.status_code in {401, 404, 405}, f"{method}: {answer.status_code} {sent}"
        assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(
    "path", ["/break-glass/", "/break-glass/accounts/user/", "/api/v1/docs", "/api/v1/openapi.json"]
)
def test_the_admin_and_the_description_send_a_stranger_to_a_login(path: str, window: Window) -> None:
    answer = window().get(path)
    assert answer.status_code in {302, 401}
    assert answer.status_code == 401 or "login" in answer.headers["Location"]


@pytest.mark.parametrize("role", ROLES)
def test_every_page_follows_the_policy_table(role: str, window: Window, organization: Any) -> None:
    """As a fragment: then a refusal has its own status and code, whatever the method."""
    from liaoyuan.accounts.policy import POLICY
    from tests.conftest import _member

    client, wrong, seen = window(_member(organization, role)), [], Counter[bool]()
    for place, method, action in portal_pages():
        if place.view.endswith(".leave"):
            continue  # it would end the walk
        answer = client.generic(method, place.url(), headers={"HX-Request": "true"})
        # A stream is not read to its end.
        text = "" if answer.streaming else answer.content.decode()
        # A service may ask for more than the page, and then names what: this is about the page's own action.
        refused = answer.status_code == 422 and 'data-code="permission_denied"' in text and f"“{action}”" in text
        seen[refused] += 1
        if refused == (action in POLICY[role]):
            wrong.append((method, str(place), action, answer.status_code))
        answer.close()
    assert wrong == []
    assert seen[False] > 20


def test_the_console_is_not_there_for_members(window: Window, owner: Any) -> None:
    from liaoyuan.console.door import PAGES

    client = window(owner)
    for place in places():
        if place.view in PAGES:
            for method in ("get", "post"):
                assert getattr(client, method)(place.url()).status_code in {404, 405}, place


def test_no_form_is_taken_without_its_token(window: Window, owner: Any) -> None:
    client = window(owner, enforce_csrf_checks=True)
    for place, method, _ in portal_pages():
        if method not in {"GET", "HEAD"}:
            assert client.generic(method, place.url()).status_code == 403, place
    for path in ("/accounts/login/", "/invitation", "/enter/x", "/language/setlang/", "/accounts/logout/"):
        assert client.post(path).status_code == 403, path


# Foreign and missing


@pytest.fixture
def theirs(other_organization: Any, stranger: Any, in_tenant: Callable[..., Any]) -> dict[str, object]:
    """One thing of each kind in the other organization; only what its services made."""
    from liaoyuan.accounts.models import Role
    from liaoyuan.accounts.services import api_key_create, invitation_create
    from liaoyuan.knowledge.models import Document
    from liaoyuan.knowledge.services import collection_create
    from liaoyuan.operations.models import Trace
    from liaoyuan.pipeline.contract import NewArtifact
    from liaoyuan.pipeline.models import StageRun
    from liaoyuan.pipeline.services import artifact_register, pipeline_start, solution_create
    from tests.stages import scripted_stages

    with scripted_stages(), in_tenant(other_organization, stranger):
        solution, _ = solution_create(name="theirs", industry="medical", scenario="guideline-qa")
        pipeline = pipeline_start(solution_id=solution.id)
        collection, _ = collection_create(name="theirs")
        key, _ = api_key_create(member=stranger, name="theirs", scopes=frozenset({"ask"}))
        invitation, _ = invitation_create(email="theirs@example.org", role=Role.VIEWER)
        return {
            "solution_id": solution.id,
            "run_id": StageRun.objects.filter(pipeline=pipeline).order_by("position")[0].id,
            "collection_id": collection.id,
            "document_id": Document.objects.create(organization=other_organization, collection=collection).id,
            "trace_id": Trace.objects.create(organization=other_organization, question="?", mode="extractive").id,
            "member_id": stranger.id,
            "invitation_id": invitation.id,
            "key_id": key.id,
            "identifier": artifact_register(item=NewArtifact("bundle", "theirs", ())).id,
        }


def with_ids() -> list[tuple[Place, str]]:
    found = [(place, method) for place, method, _ in portal_pages()]
    return [(place, method) for place, method in found if "uuid" in place.parameters.values()]


@pytest.mark.parametrize(("place", "method"), with_ids(), ids=str)
def test_a_foreign_id_is_a_missing_one_to_the_byte(
    place: Place, method: str, window: Window, owner: Any, theirs: dict[str, object]
) -> None:
    client = window(owner)
    foreign = client.generic(method, place.url(theirs))
    missing = client.generic(method, place.url(dict.fromkeys(theirs, uuid.uuid4())))
    assert (foreign.status_code, inert(foreign)) == (missing.status_code, inert(missing))
    assert foreign.status_code in {302, 404, 405, 422}
    assert comparable(foreign) == comparable(missing)


def comparable(answer: Any) -> dict[str, str]:
    left_out = {"date", "expires", "x-request-id", "content-length", "location", "set-cookie"}
    return {name: value for name, value in answer.headers.items() if name.lower() not in left_out}
