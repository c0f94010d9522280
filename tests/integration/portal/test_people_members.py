"""The members' pages as an owner, an auditor and everybody else meet them."""

import csv
import io
import re
import uuid
from typing import Any

import pytest
from django.test import Client

from liaoyuan.accounts.models import AuditEvent, Invitation, Member, Role
from liaoyuan.accounts.resolver import principals_of_user
from liaoyuan.accounts.services import member_disable
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.accounts.words import ACTIONS

MEMBERS = "/organization/members/"
PASSWORD = "a long walk in the rain"


def browser(member: Member, **more: Any) -> Client:
    """A signed-in window with English pages."""
    client = Client(headers={"Accept-Language": "en"}, **more)
    client.force_login(member.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def inert(answer: Any) -> str:
    """A page without what must differ: the form's token, and the address that was asked for."""
    text = re.sub(r'(csrfmiddlewaretoken" value=")[^"]+', r"\1TOKEN", answer.content.decode())
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/", "ID/", text)


def once(client: Client, path: str) -> str:
    found = re.search(r'name="once" value="([^"]+)"', client.get(path).content.decode())
    assert found
    return found[1]


def invite(client: Client, address: str, **more: Any) -> Any:
    form = {"email": address, "role": "viewer", "groups": "", "once": once(client, MEMBERS + "invite")} | more
    return client.post(MEMBERS + "invite", form)


# The list


def test_the_list_shows_role_groups_and_second_step(owner: Member, viewer: Member) -> None:
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    TOTP.activate(viewer.user, generate_totp_secret())
    with tenant_context(owner.organization_id):
        Member.objects.filter(id=viewer.id).update(groups=["内科"])
    page = browser(owner).get(MEMBERS)
    rows = {row.email: row for row in page.context["found"].members}
    assert (rows[viewer.user.email].role_name, rows[viewer.user.email].groups) == ("Viewer", ("内科",))
    assert rows[viewer.user.email].two_steps
    assert not rows[owner.user.email].two_steps
    assert rows[owner.user.email].me


@pytest.mark.parametrize(
    ("query", "count"),
    [("q=viewer", 1), ("q=nobody-at-all", 0), ("role=owner", 1), ("role=owner&q=viewer", 0), ("state=disabled", 0)],
)
def test_the_list_is_narrowed(owner: Member, viewer: Member, query: str, count: int) -> None:
    assert len(browser(owner).get(f"{MEMBERS}?{query}").context["found"].members) == count


def test_an_auditor_looks_and_changes_nothing(owner: Member, organization: Any) -> None:
    from tests.conftest import _member

    auditor = _member(organization, "auditor")
    client = browser(auditor)
    page = client.get(MEMBERS)
    assert page.status_code == 200
    assert f"{MEMBERS}invite" not in page.content.decode()
    assert page.context["found"].invitations == []
    assert client.get(f"{MEMBERS}{owner.id}/").status_code == 403
    client.post(f"{MEMBERS}{owner.id}/disable")
    assert principals_of_user(owner.user)


def test_last_seen_is_the_latest_sign_of_life(owner: Member, viewer: Member) -> None:
    client = Client()
    viewer.user.set_password(PASSWORD)
    viewer.user.save()
    client.post("/accounts/login/", {"login": viewer.user.email, "password": PASSWORD})
    rows = {row.email: row for row in browser(owner).get(MEMBERS).context["found"].members}
    assert rows[viewer.user.email].seen is not None


def test_the_table_to_take_away_defuses_formulas_and_is_recorded(owner: Member, viewer: Member) -> None:
    viewer.user.name = "=HYPERLINK(1)"
    viewer.user.save()
    answer = browser(owner).get(MEMBERS + "export.csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert "'=HYPERLINK(1)" in [row[0] for row in rows]
    with tenant_context(owner.organization_id):
        assert AuditEvent.objects.order_by("-seq")[0].action == "member.export"


# Invitations


def test_an_invitation_shows_its_link_once(owner: Member) -> None:
    email = f"{uuid.uuid4().hex}@example.org"
    client = browser(owner)
    made = invite(client, email, role="auditor", groups="内科，外科, 内科")
    link = re.search(r"http://testserver/invitation#([A-Za-z0-9_-]{40,})", made.content.decode())
    assert link
    assert link[1] not in client.get(MEMBERS).content.decode()
    with tenant_context(owner.organization_id):
        row = Invitation.objects.get(email=email)
    assert (row.role, row.groups) == ("auditor", ["内科", "外科"])
    stranger = Client()
    stranger.post("/invitation", {"token": link[1], "name": "Lin", "password": PASSWORD})
    stranger.post("/accounts/login/", {"login": email, "password": PASSWORD})
    assert stranger.get("/organization/audit/").status_code == 200


def test_a_second_click_makes_no_second_invitation(owner: Member) -> None:
    email = f"{uuid.uuid4().hex}@example.org"
    client = browser(owner)
    form = {"email": email, "role": "viewer", "groups": "", "once": once(client, MEMBERS + "invite")}
    first, second = client.post(MEMBERS + "invite", form), client.post(MEMBERS + "invite", form)
    assert (first.status_code, second.status_code) == (200, 302)
    with tenant_context(owner.organization_id):
        assert Invitation.objects.filter(email=email).count() == 1


@pytest.mark.parametrize(
    "wrong", [{"email": "no address"}, {"role": "root"}, {"role": ""}, {"groups": "x" * 65}], ids=str
)
def test_what_makes_no_sense_is_said_in_the_form(owner: Member, wrong: dict[str, str]) -> None:
    answer = invite(browser(owner), "new@example.org", **wrong)
    assert answer.status_code == 422
    assert answer.context["form"].errors
    with tenant_context(owner.organization_id):
        assert not Invitation.objects.exists()


def test_a_new_link_ends_the_old_one_and_taking_back_ends_both(owner: Member) -> None:
    client = browser(owner)
    email = f"{uuid.uuid4().hex}@example.org"
    old = invite(client, email).context["link"].split("#")[1]
    with tenant_context(owner.organization_id):
        row = Invitation.objects.get(email=email)
    new = client.post(f"/organization/invitations/{row.id}/renew").context["link"].split("#")[1]
    form = {"name": "", "password": PASSWORD}
    assert Client().post("/invitation", form | {"token": old}).status_code == 422
    assert client.post(f"/organization/invitations/{row.id}/revoke").status_code == 302
    assert Client().post("/invitation", form | {"token": new}).status_code == 422
    assert email not in client.get(MEMBERS).content.decode()


# One member


def test_a_role_changed_in_one_window_counts_in_the_other_at_once(owner: Member, viewer: Member) -> None:
    theirs = browser(viewer)
    assert theirs.get("/organization/audit/").status_code == 403
    saved = browser(owner).post(f"{MEMBERS}{viewer.id}/", {"role": "auditor", "groups": "外科"})
    assert saved.status_code == 302
    assert theirs.get("/organization/audit/").status_code == 200
    with tenant_context(owner.organization_id):
        assert Member.objects.get(id=viewer.id).groups == ["外科"]


def test_a_disabled_members_open_tab_ends_and_re_admission_opens_it(owner: Member, viewer: Member) -> None:
    theirs, client = browser(viewer), browser(owner)
    assert theirs.get("/account/").status_code == 200
    client.post(f"{MEMBERS}{viewer.id}/disable")
    assert theirs.get("/account/").status_code == 403
    assert "disabled" in client.get(f"{MEMBERS}{viewer.id}/").content.decode()
    client.post(f"{MEMBERS}{viewer.id}/enable")
    assert theirs.get("/account/").status_code == 200


def test_the_last_owner_stays_and_the_page_says_why(owner: Member) -> None:
    client = browser(owner)
    for path, form in (("", {"role": "viewer", "groups": ""}), ("disable", {})):
        came_from = {"Referer": f"http://testserver{MEMBERS}{owner.id}/"}
        answer = client.post(f"{MEMBERS}{owner.id}/{path}", form, follow=True, headers=came_from)
        assert "last owner" in answer.content.decode()
    assert principals_of_user(owner.user)[0].role == "owner"


def test_a_foreign_member_is_missing_to_the_byte(owner: Member, stranger: Member) -> None:
    client = browser(owner)
    for verb in ("", "disable", "enable"):
        foreign = client.post(f"{MEMBERS}{stranger.id}/{verb}", {"role": "viewer", "groups": ""})
        missing = client.post(f"{MEMBERS}{uuid.uuid4()}/{verb}", {"role": "viewer", "groups": ""})
        assert foreign.status_code == missing.status_code == 404
        assert inert(foreign) == inert(missing)
    assert client.post(f"{MEMBERS}{owner.id}/promote").status_code == 404


def test_names_with_markup_and_hidden_signs_are_inert(owner: Member, viewer: Member) -> None:
    viewer.user.name = "<script>alert(1)</script>\"'"
    viewer.user.save()
    client = browser(owner)
    for path in (MEMBERS, f"{MEMBERS}{viewer.id}/"):
        text = client.get(path).content.decode()
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


# Roles


def test_everybody_may_read_what_roles_may_do(viewer: Member) -> None:
    page = browser(viewer).get("/organization/roles/")
    assert page.status_code == 200
    text = page.content.decode()
    assert all(f">{words.en}<" in text for words in ACTIONS.values())
    cells = {row.action: row.cells for _, rows in page.context["found"].groups for row in rows}
    assert cells["member.manage"] == [role == Role.OWNER for role in Role]


def test_a_disabled_members_former_colleagues_are_still_named(owner: Member, viewer: Member) -> None:
    with tenant_context(viewer.organization_id, viewer.user_id):
        from liaoyuan.accounts.services import audit_record

        audit_record(action="feedback.give", object_kind="trace", object_id="1")
    with tenant_context(owner.organization_id, owner.user_id):
        member_disable(member_id=viewer.id)
    assert viewer.user.email in browser(owner).get("/organization/audit/").content.decode()
