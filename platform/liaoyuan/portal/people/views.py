"""Members, invitations and roles."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from liaoyuan.accounts.models import Invitation, Role
from liaoyuan.accounts.services import (
    audit_record,
    invitation_create,
    invitation_renew,
    invitation_revoke,
    member_disable,
    member_enable,
    member_groups_set,
    member_role_set,
)
from liaoyuan.portal.door import PageRequest, language, page
from liaoyuan.portal.people.forms import InviteForm, MemberForm
from liaoyuan.portal.people.once import once_new, once_spent
from liaoyuan.portal.people.selectors import (
    groups_known,
    member_page,
    member_views,
    members_page,
    role_views,
    roles_page,
)
from liaoyuan.portal.stages.export import csv_response

STEER: Final = {"disable": member_disable, "enable": member_enable}


@page("member.view")
def members(request: PageRequest) -> HttpResponse:
    """Who is here, who is invited."""
    asked = {name: request.GET.get(name, "") for name in ("q", "role", "state")}
    found = members_page(request.principal, language(), search=asked["q"], role=asked["role"], state=asked["state"])
    shown = {"found": found, "asked": asked, "narrowed": any(asked.values()), "roles": role_views(language())}
    return render(request, "portal/people/members.html", shown)


@page("member.manage", methods=("GET", "POST"))
def invite(request: PageRequest) -> HttpResponse:
    """Invite a person; the answer shows the link, once."""
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if once_spent(request, request.principal, "invitation"):
            messages.info(request, _("This invitation was made already. Make a new link if you did not keep it."))
            return redirect("members")
        given = form.cleaned_data
        made, token = invitation_create(email=given["email"], role=Role(given["role"]), groups=given["groups"])
        return _link_shown(request, made, token)
    shown = {"form": form, "roles": role_views(language()), "groups": groups_known(), "once": once_new()}
    return render(request, "portal/people/invite.html", shown, status=422 if form.errors else 200)


@page("member.manage", methods=("POST",))
def invitation_new_link(request: PageRequest, invitation_id: UUID) -> HttpResponse:
    """A new link for an invitation; the old one ends."""
    made, token = invitation_renew(invitation_id=invitation_id)
    return _link_shown(request, made, token)


@page("member.manage", methods=("POST",))
def invitation_end(request: PageRequest, invitation_id: UUID) -> HttpResponse:
    """Take an invitation back."""
    invitation_revoke(invitation_id=invitation_id)
    messages.success(request, _("The invitation is taken back; its link opens nothing any more."))
    return redirect("members")


@page("member.manage", methods=("GET", "POST"))
def member(request: PageRequest, member_id: UUID) -> HttpResponse:
    """One member: role, groups, what they lately did."""
    found = member_page(request.principal, member_id, language())
    first = {"role": found.member.role, "groups": found.member.groups}
    form = MemberForm(request.POST or None, initial=first)
    if request.method == "POST" and form.is_valid():
        member_role_set(member_id=member_id, role=form.cleaned_data["role"])
        member_groups_set(member_id=member_id, groups=form.cleaned_data["groups"])
        messages.success(request, _("Saved. It counts from their next click on."))
        return redirect("member", member_id)
    return render(
        request, "portal/people/member.html", {"found": found, "form": form}, status=422 if form.errors else 200
    )


@page("member.manage", methods=("POST",))
def member_steer(request: PageRequest, member_id: UUID, verb: str) -> HttpResponse:
    """Disable or re-admit a member."""
    if verb not in STEER:
        raise Http404
    STEER[verb](member_id=member_id)
    done = {
        "disable": _("Disabled. Their open pages, streams and keys end now."),
        "enable": _("Re-admitted, with the role and groups they had."),
    }
    messages.success(request, done[verb])
    return redirect("member", member_id)


@page("member.view")
def members_export(request: PageRequest) -> HttpResponse:
    """The members as a table to take away; taking it is recorded."""
    views = member_views(request.principal, language())
    audit_record(
        action="member.export",
        object_kind="organization",
        object_id=request.principal.organization_id,
        detail={"members": len(views)},
    )
    head = ["name", "email", "role", "groups", "joined", "last_seen", "two_steps", "state"]
    rows = [
        [
            each.name,
            each.email,
            each.role,
            " ".join(each.groups),
            each.joined.isoformat(timespec="seconds"),
            each.seen.isoformat(timespec="seconds") if each.seen else "",
            "yes" if each.two_steps else "no",
            "disabled" if each.disabled else "active",
        ]
        for each in views
    ]
    return csv_response("members", head, rows)


@page("organization.view")
def roles(request: PageRequest) -> HttpResponse:
    """What every role may do, as the policy table says."""
    return render(
        request, "portal/people/roles.html", {"found": roles_page(language()), "mine": request.principal.role}
    )


def _link_shown(request: HttpRequest, made: Invitation, token: str) -> HttpResponse:
    """The only time that the token leaves the house. It stands behind #, which no server logs."""
    shown: dict[str, Any] = {"invitation": made, "link": request.build_absolute_uri(f"/invitation#{token}")}
    return render(request, "portal/people/invited.html", shown)
