"""The first page, what is behind the bell, and the choice of an organization."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from liaoyuan.accounts.choice import organization_choose
from liaoyuan.errors import InvalidInput, NotFound
from liaoyuan.pipeline.notices import notices_read
from liaoyuan.portal.door import PageRequest, language, page
from liaoyuan.portal.home.notifications import notices_view
from liaoyuan.portal.home.selectors import home_view

LONGEST_SEQ = 18


@page("solution.view")
def home(request: PageRequest) -> HttpResponse:
    """What needs the reader, the solutions, recent answers, usage."""
    return render(request, "portal/home/home.html", {"it": home_view(request.principal, language())})


@page("solution.view")
def home_live(request: PageRequest) -> HttpResponse:
    """What needs the reader, anew."""
    return render(request, "portal/home/needs.html", {"it": home_view(request.principal, language())})


@page("organization.view", methods=("POST",), tenant=False)
def organization(request: PageRequest) -> HttpResponse:
    """Work in another of one's organizations."""
    chosen = request.POST.get("organization", "")
    found = next((each for each in request.organizations if str(each) == chosen), None)
    if found is None:
        raise NotFound
    organization_choose(request, found)
    return redirect("home")


@page("run.view")
def notifications(request: PageRequest) -> HttpResponse:
    """The newest, or those before ``?before=``."""
    return render(request, "portal/home/notifications.html", {"it": _notices(request)})


@page("run.view")
def notifications_live(request: PageRequest) -> HttpResponse:
    """The list, anew."""
    return render(request, "portal/home/notifications_list.html", {"it": _notices(request)})


@page("run.view", methods=("POST",))
def notifications_seen(request: PageRequest) -> HttpResponse:
    """Everything that the page showed is known now; what came since stays new."""
    upto = _number(request.POST.get("upto", ""))
    if upto is None:
        raise InvalidInput(detail="upto")
    notices_read(request.principal, upto=upto)
    messages.success(request, _("All notifications are marked as read."))
    return redirect("notifications")


def _notices(request: PageRequest) -> object:
    return notices_view(request.principal, language(), before=_number(request.GET.get("before", "")))


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and text.isascii() and len(text) <= LONGEST_SEQ else None
