"""A person's own page: profile, security, sessions, what they did, the way out."""

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from liaoyuan.accounts.models import User
from liaoyuan.accounts.services import account_update, member_leave
from liaoyuan.errors import NotFound
from liaoyuan.portal.account.forms import ProfileForm
from liaoyuan.portal.account.selectors import account_page
from liaoyuan.portal.door import PageRequest, language, page


@page("organization.view", methods=("GET", "POST"))
def account(request: PageRequest) -> HttpResponse:
    """Everything about oneself on one page."""
    user = _user(request)
    first = {"name": user.name, "language": user.language, "time_zone": user.time_zone}
    form = ProfileForm(request.POST or None, initial=first)
    if request.method == "POST" and form.is_valid():
        account_update(user=user, **form.cleaned_data)
        messages.success(request, _("Saved."))
        answer = redirect("account")
        # The switch in the bar leaves a cookie that would win over the setting just made.
        answer.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
        return answer
    found = account_page(request.principal, user, request.session.session_key or "", language())
    shown = {"found": found, "form": form, "words": language()}
    return render(request, "portal/account/account.html", shown, status=422 if form.errors else 200)


@page("organization.view", methods=("POST",))
def session_end(request: PageRequest, session_id: int) -> HttpResponse:
    """End one of one's own sessions."""
    found = UserSession.objects.filter(user=_user(request), pk=session_id).first()
    if found is None:
        raise NotFound
    found.end()
    messages.success(request, _("The session has ended."))
    return redirect("account")


@page("organization.view", methods=("POST",))
def sessions_end(request: PageRequest) -> HttpResponse:
    """End all of one's sessions but this one."""
    others = UserSession.objects.filter(user=_user(request)).exclude(session_key=request.session.session_key)
    for each in others:
        each.end()
    messages.success(request, _("All other sessions have ended."))
    return redirect("account")


@page("organization.view", methods=("POST",))
def leave(request: PageRequest) -> HttpResponse:
    """Leave the organization; the last owner cannot."""
    member_leave(user=_user(request))
    messages.success(request, _("You have left the organization."))
    return redirect("/")


def _user(request: PageRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the door let only users in
    return request.user
