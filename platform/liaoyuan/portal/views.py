"""The status page, its live pieces, what may be done from it, and the acceptance of an invitation."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from liaoyuan.accounts.choice import organization_choose, organization_chosen
from liaoyuan.accounts.models import Organization, User
from liaoyuan.accounts.policy import Principal, require
from liaoyuan.accounts.resolver import principals_of_user
from liaoyuan.accounts.services import invitation_accept
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import LiaoyuanError, NotFound
from liaoyuan.pipeline.services import stage_run_approve, stage_run_cancel, stage_run_retry
from liaoyuan.portal.forms import InvitationForm
from liaoyuan.portal.selectors import answer_views, solution_view, solution_views

VERBS: dict[str, Callable[..., str]] = {
    "approve": stage_run_approve,
    "cancel": stage_run_cancel,
    "retry": stage_run_retry,
}


def language() -> str:
    """ "zh" or "en", as the page is shown."""
    return "zh" if (get_language() or "").startswith("zh") else "en"


def _principal(request: HttpRequest) -> Principal:
    """The signed-in person in the chosen organization; in their first where that holds no longer. 403 without any."""
    mine = _memberships(request)
    if not mine:
        raise DjangoPermissionDenied
    chosen = organization_chosen(request)
    return next((each for each in mine if each.organization_id == chosen), mine[0])


@never_cache
@login_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The organization's solutions with their boards, and its recent answers."""
    memberships = _memberships(request)
    if not memberships:
        return render(request, "portal/nobody.html", status=403)
    principal = _principal(request)
    require(principal, "solution.view")
    others = [_named(other) for other in memberships]
    with tenant_context(principal.organization_id, principal.user_id, groups=principal.document_groups):
        page = {
            "here": principal.organization_id,
            "organizations": others,
            "role": principal.role,
            "solutions": solution_views(principal, language()),
            "answers": answer_views(principal),
        }
        return render(request, "portal/home.html", page)


@never_cache
@login_required
@require_GET
def solution(request: HttpRequest, solution_id: UUID) -> HttpResponse:
    """One solution's card, fetched by the page when its stream says that something happened."""
    principal = _principal(request)
    require(principal, "solution.view")
    with tenant_context(principal.organization_id, principal.user_id, groups=principal.document_groups):
        try:
            found = solution_view(solution_id, principal, language())
        except NotFound as error:
            raise Http404 from error
        return render(request, "portal/solution.html", {"solution": found})


@login_required
@require_POST
def run_steer(request: HttpRequest, run_id: UUID, verb: str) -> HttpResponse:
    """Approve, cancel or retry a run from the board; the service asks the policy table."""
    principal = _principal(request)
    with tenant_context(principal.organization_id, principal.user_id):
        try:
            VERBS[verb](principal=principal, run_id=run_id)
        except (NotFound, KeyError) as error:
            raise Http404 from error
        except LiaoyuanError as error:
            messages.error(request, error.sentence(language()))
    return redirect("home")


@login_required
@require_POST
def organization(request: HttpRequest) -> HttpResponse:
    """Work in another of one's organizations."""
    chosen = request.POST.get("organization", "")
    mine = [principal.organization_id for principal in _memberships(request)]
    found = next((each for each in mine if str(each) == chosen), None)
    if found is None:
        raise Http404
    organization_choose(request, found)
    return redirect("home")


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


def _memberships(request: HttpRequest) -> list[Principal]:
    return principals_of_user(request.user) if isinstance(request.user, User) else []


def _named(principal: Principal) -> dict[str, Any]:
    """An organization's name is its own secret, read in its own context."""
    with tenant_context(principal.organization_id, principal.user_id):
        return {
            "id": principal.organization_id,
            "name": Organization.objects.values_list("name", flat=True).get(id=principal.organization_id),
        }
