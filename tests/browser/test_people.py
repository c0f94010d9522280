"""Members, roles, keys and audit as people see and use them."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, Visit, in_thread
from tests.browser.looks import look
from tests.integration.api.conftest import Server

pytestmark = pytest.mark.browser
NAMES = ("林晓梅", "陈国栋", "Ada Okonkwo", "王建军", "赵敏", "Jonas Lindqvist")
ROLES = ("steward", "developer", "auditor", "annotator", "viewer", "viewer")


@dataclass(frozen=True)
class Ward:
    """An organization with people in every role, keys, waiting invitations and a history."""

    email: str
    organization_id: uuid.UUID
    viewer_id: uuid.UUID
    viewer: str


@pytest.fixture(scope="module")
def ward(server: Server) -> Ward:
    return in_thread(ward_make)


def ward_make() -> Ward:
    from liaoyuan.accounts.models import Role
    from liaoyuan.accounts.services import (
        api_key_create,
        api_key_revoke,
        audit_record,
        invitation_create,
        member_add,
        member_disable,
        organization_create,
        user_create,
    )
    from liaoyuan.accounts.tenancy import tenant_context

    mark = uuid.uuid4().hex[:6]
    organization, _ = organization_create(name=f"仁和医院 {mark}")
    owner, _ = user_create(email=f"director-{mark}@renhe.example", password=PASSWORD, name="周院长")
    with tenant_context(organization.id, owner.id):
        first = member_add(user=owner, role=Role.OWNER)
        people = []
        for number, (name, role) in enumerate(zip(NAMES, ROLES, strict=True)):
            user, _ = user_create(email=f"{role}{number}-{mark}@renhe.example", password=PASSWORD, name=name)
            groups = ("内科", "感染控制科") if number % 2 else ()
            people.append(member_add(user=user, role=Role(role), groups=groups))
        member_disable(member_id=people[3].id)
        for role in (Role.VIEWER, Role.DEVELOPER):
            invitation_create(email=f"new-{role}-{mark}@renhe.example", role=role, groups=("内科",))
        api_key_create(member=first, name="急诊问答终端", scopes=frozenset({"ask"}))
        api_key_create(member=people[1], name="nightly import", scopes=frozenset({"ask", "document.import"}), days=30)
        old, _ = api_key_create(member=first, name="old", scopes=frozenset({"ask", "run.view", "trace.view"}))
        api_key_revoke(key_id=old.id)
        for number in range(60):
            detail = {"files": number + 1, "names": [f"手卫生规范-{number}.docx"]}
            audit_record(action="document.import", object_kind="collection", object_id=uuid.uuid4(), detail=detail)
    return Ward(owner.email, organization.id, people[4].id, people[4].user.email)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/organization/members/", "members"),
        ("/organization/members/invite", "member-invite"),
        ("/organization/roles/", "roles"),
        ("/organization/keys/", "keys"),
        ("/organization/keys/new", "key-new"),
        ("/organization/audit/", "audit"),
        ("/organization/settings/", "organization"),
    ],
)
def test_the_page_reads_well_everywhere(path: str, name: str, visit: Callable[..., Visit], ward: Ward) -> None:
    look(visit, path, name, email=ward.email)


def test_a_members_page_reads_well(visit: Callable[..., Visit], ward: Ward) -> None:
    look(visit, f"/organization/members/{ward.viewer_id}/", "member", email=ward.email)


def test_an_owner_invites_a_person_who_then_joins(visit: Callable[..., Visit], ward: Ward) -> None:
    email = f"join-{uuid.uuid4().hex[:8]}@renhe.example"
    window = visit(language="en-US")
    window.login(ward.email)
    window.go("/organization/members/")
    window.page.get_by_role("link", name="Invite").click()
    window.page.get_by_label("E-mail address").fill(email)
    window.page.get_by_role("radio", name="Auditor").check()
    window.page.get_by_role("button", name="内科").click()
    window.page.get_by_role("button", name="Make the invitation").click()
    link = window.page.get_by_label("Invitation link").input_value()
    assert "/invitation#" in link
    window.page.get_by_role("link", name="Done").click()
    expect(window.page.locator("#invitations").first).to_contain_text(email, use_inner_text=True)
    guest = visit(language="en-US")
    guest.page.goto(link)
    guest.page.wait_for_function("document.getElementById('id_token').value.length > 20")
    guest.page.fill("#id_name", "Mo")
    guest.page.fill("#id_password", PASSWORD)
    guest.page.get_by_role("button", name="Join").click()
    guest.page.wait_for_url("**/accounts/login/")
    guest.login(email)
    guest.go("/organization/audit/")
    expect(guest.page.locator("h1")).to_have_text("Audit log", use_inner_text=True)
    assert (window.complaints, guest.complaints) == ([], [])


def test_disabling_ends_an_open_window(visit: Callable[..., Visit], ward: Ward) -> None:
    theirs = visit(language="en-US")
    theirs.login(ward.viewer)
    theirs.go("/account/")
    window = visit(language="en-US")
    window.login(ward.email)
    window.go(f"/organization/members/{ward.viewer_id}/")
    window.page.get_by_role("button", name="Disable").click()
    confirm(window.page)
    window.page.get_by_role("button", name="Re-admit").wait_for()
    theirs.page.reload()
    expect(theirs.page.locator("h1").first).to_contain_text("No organization", use_inner_text=True)
    window.page.get_by_role("button", name="Re-admit").click()
    confirm(window.page)
    window.page.get_by_role("button", name="Disable").wait_for()
    theirs.page.reload()
    expect(theirs.page.locator("h1")).to_have_text("Account", use_inner_text=True)


def confirm(page: Any) -> None:
    """Say yes in the question that a dangerous button asks."""
    page.locator("dialog[open] button.btn-danger, dialog[open] button.btn-primary").first.click()


def test_a_key_is_made_shown_once_used_and_revoked(visit: Callable[..., Visit], ward: Ward, server: Server) -> None:
    window = visit(language="en-US")
    window.login(ward.email)
    window.go("/organization/keys/new")
    window.page.get_by_role("textbox", name="Name").fill("browser test")
    window.page.get_by_role("button", name="Make the key").click()
    key = window.page.get_by_label("API key", exact=True).input_value()
    assert re.fullmatch(r"ly_[0-9a-f]{12}_\S{40,}", key)
    expect(window.page.locator("main").first).to_contain_text(key, use_inner_text=True)
    with server.client(key) as client:
        assert client.get("/v1/models").status_code == 200
        window.page.get_by_role("link", name="Done").click()
        assert key not in window.page.content()
        row = window.page.get_by_role("row", name=re.compile("browser test"))
        row.get_by_role("button", name="Revoke").click()
        confirm(window.page)
        window.page.wait_for_load_state()
        window.page.get_by_text("The key is revoked").wait_for()
        assert client.get("/v1/models").status_code == 401
    assert window.complaints == []


def test_the_chain_is_verified_on_the_page_and_entries_unfold(visit: Callable[..., Visit], ward: Ward) -> None:
    window = visit(language="en-US")
    window.login(ward.email)
    window.go("/organization/audit/")
    window.page.evaluate("window.here = 1")
    window.page.get_by_role("button", name="Verify the chain").click()
    window.page.get_by_text(re.compile(r"The chain is whole: \d+ entries checked")).wait_for()
    assert window.page.evaluate("window.here") == 1, "without leaving the page"
    window.page.locator(".people-entry-more summary").first.click()
    assert window.page.locator(".people-entry-more[open] code").count() >= 4
    window.page.get_by_role("link", name="Older").click()
    window.page.wait_for_url("**before=*")
    assert window.page.locator(".people-audit tbody tr").count() > 5
    assert window.complaints == []


def test_verifying_works_without_scripts(chromium: Any, ward: Ward, server: Server) -> None:
    context = chromium.new_context(java_script_enabled=False, locale="en-US")
    window = Visit(context.new_page(), server.url)
    window.login(ward.email)
    window.go("/organization/audit/")
    window.page.get_by_role("button", name="Verify the chain").click()
    expect(window.page.locator("#verdict").first).to_contain_text("The chain is whole", use_inner_text=True)
    context.close()
