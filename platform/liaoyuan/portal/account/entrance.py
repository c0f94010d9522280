"""Ways in without a password: an invitation, the one-time link of the machine's operator, a forgotten password."""

from typing import Final

from allauth.account.utils import perform_login
from allauth.account.views import password_reset
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from liaoyuan.accounts.services import invitation_accept, login_link_use
from liaoyuan.errors import LiaoyuanError
from liaoyuan.portal.account.forms import InvitationForm
from liaoyuan.portal.door import language

CLOSED: Final = (
    "email/",
    "confirm-email/",
    "confirm-email/<str:key>/",
    "signup/",
    "login/code/confirm/",
    "3rdparty/",
    "3rdparty/signup/",
    "social/signup/",
    "social/connections/",
)


@never_cache
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest) -> HttpResponse:
    """Join an organization with the code of an invitation; the link carries it behind #, which no server logs."""
    form = InvitationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            invitation_accept(**form.cleaned_data)
        except ValidationError as error:
            form.add_error("password", error)
        except LiaoyuanError as error:
            form.add_error("token", error.sentence(language()))
        else:
            messages.success(request, _("Welcome. Sign in with your e-mail address and password."))
            return redirect("account_login")
    return render(request, "portal/invitation.html", {"form": form}, status=422 if form.errors else 200)


def closed(request: HttpRequest, **_: str) -> HttpResponse:
    """Nothing is here."""
    raise Http404


def forgotten(request: HttpRequest) -> HttpResponse:
    """A new password by mail; where the machine sends none, who can help instead."""
    if settings.EMAIL_HOST:
        answer: HttpResponse = password_reset(request)
        return answer
    return render(request, "portal/account/no_mail.html")


@never_cache
@require_http_methods(["GET", "POST"])
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """Sign in by a one-time link. Looking at the link spends nothing: programs look at links too; the button does.

    Whoever has a second step still takes it.
    """
    if request.method != "POST":
        return render(request, "portal/account/enter.html")
    try:
        user = login_link_use(token=token)
    except LiaoyuanError as error:
        shown = {"sentence": error.sentence(language())}
        return render(request, "portal/account/enter.html", shown, status=error.status)
    if request.user.is_authenticated:
        logout(request)
    answer: HttpResponse = perform_login(request, user, redirect_url="/", signal_kwargs={"link": True})
    return answer
