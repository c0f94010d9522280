"""The organization's own settings, and what is in force for it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from liaoyuan.accounts.services import organization_rename
from liaoyuan.portal.door import PageRequest, page
from liaoyuan.portal.people.forms import NameForm
from liaoyuan.portal.people.organization_view import organization_page


@page("organization.settings", methods=("GET", "POST"))
def organization_settings(request: PageRequest) -> HttpResponse:
    """Its name to change; quotas and keeping to read."""
    found = organization_page(request.principal)
    form = NameForm(request.POST or None, initial={"name": found.name})
    if request.method == "POST" and form.is_valid():
        organization_rename(name=form.cleaned_data["name"])
        messages.success(request, _("Saved."))
        return redirect("organization_settings")
    return render(
        request, "portal/people/settings.html", {"found": found, "form": form}, status=422 if form.errors else 200
    )
