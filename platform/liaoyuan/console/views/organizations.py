"""Organizations: who they are in numbers, their quota, open or closed."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from liaoyuan.console import services
from liaoyuan.console.audit import look_record
from liaoyuan.console.door import OperatorRequest, back, console_page, language, show
from liaoyuan.console.forms import NewOrganization, OwnerForm, QuotaForm, SuspendForm
from liaoyuan.console.selectors import chains, organizations
from liaoyuan.errors import LiaoyuanError

INVITATION = "console_invitation"


@console_page()
def organization_list(request: OperatorRequest) -> HttpResponse:
    text = request.GET.get("q", "").strip()[:120]
    page, rows = organizations.organization_page(text=text, number=request.GET.get("page", 1))
    return show(request, "console/organizations.html", {"page": page, "rows": rows, "text": text})


@console_page("GET", "POST")
def organization_new(request: OperatorRequest) -> HttpResponse:
    form = NewOrganization(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made, token = services.organization_found(operator=request.user.id, **form.cleaned_data)
        except LiaoyuanError as error:
            form.add_error(None, error.sentence(language()))
        else:
            _hand_over(request, made.id, token)
            return HttpResponseRedirect(reverse("console_organization", args=[made.id]))
    return show(request, "console/organization_new.html", {"form": form}, status=422 if form.errors else 200)


@console_page()
def organization(request: OperatorRequest, organization_id: UUID) -> HttpResponse:
    shown = organizations.organization_shown(organization_id)
    look_record(
        actor=request.user.id,
        action="console.organization",
        about=organization_id,
        object_kind="organization",
        object_id=organization_id,
    )
    _page, done = chains.operators_done(about=organization_id)
    context = {
        "shown": shown,
        "row": shown.row,
        "done": done[:12],
        "invitation": _handed_over(request, organization_id),
        "quota_form": QuotaForm(initial={"daily_tokens": shown.row.organization.daily_token_quota}),
        "suspend_form": SuspendForm(),
        "owner_form": OwnerForm(),
        "share": round(100 * shown.row.usage.quota_share(shown.row.organization.daily_token_quota)),
    }
    return show(request, "console/organization.html", context)


@console_page("POST")
def organization_quota(request: OperatorRequest, organization_id: UUID) -> HttpResponse:
    form = QuotaForm(request.POST)
    if form.is_valid():
        services.quota_change(operator=request.user.id, organization_id=organization_id, **form.cleaned_data)
        messages.success(request, _("The quota is changed; it holds from the next question on."))
    else:
        messages.error(request, _("A quota is a whole number of tokens, 0 or more."))
    return back(request, reverse("console_organization", args=[organization_id]))


@console_page("POST")
def organization_suspend(request: OperatorRequest, organization_id: UUID) -> HttpResponse:
    reason = request.POST.get("reason", "")
    services.organization_suspend(operator=request.user.id, organization_id=organization_id, reason=reason)
    messages.success(request, _("The organization is suspended: members are told, keys are refused, jobs wait."))
    return back(request, reverse("console_organization", args=[organization_id]))


@console_page("POST")
def organization_resume(request: OperatorRequest, organization_id: UUID) -> HttpResponse:
    services.organization_resume(operator=request.user.id, organization_id=organization_id)
    messages.success(request, _("The organization is open again; what waited goes on by itself."))
    return back(request, reverse("console_organization", args=[organization_id]))


@console_page("POST")
def organization_owner(request: OperatorRequest, organization_id: UUID) -> HttpResponse:
    token = services.owner_invite(
        operator=request.user.id, organization_id=organization_id, email=request.POST.get("email", "")
    )
    _hand_over(request, organization_id, token)
    return HttpResponseRedirect(reverse("console_organization", args=[organization_id]))


def _hand_over(request: OperatorRequest, organization_id: UUID, token: str) -> None:
    """The token is shown on the next page, once."""
    request.session[INVITATION] = {"organization": str(organization_id), "token": token}


def _handed_over(request: OperatorRequest, organization_id: UUID) -> str:
    """The address of the invitation that was just made here; empty the second time."""
    found = request.session.get(INVITATION)
    if not found or found["organization"] != str(organization_id):
        return ""
    del request.session[INVITATION]
    return request.build_absolute_uri(f"{reverse('invitation')}#{found['token']}")
