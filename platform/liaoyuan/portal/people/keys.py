"""API keys: list, make, revoke. A key's secret is shown once."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from liaoyuan.accounts.models import ApiKey, Member
from liaoyuan.accounts.policy import POLICY, allowed
from liaoyuan.accounts.services import api_key_create, api_key_revoke
from liaoyuan.errors import NotFound
from liaoyuan.portal.door import PageRequest, language, page
from liaoyuan.portal.people.forms import KeyForm
from liaoyuan.portal.people.key_view import keys_page, scope_groups, usage
from liaoyuan.portal.people.once import once_new, once_spent


@page("key.own")
def keys(request: PageRequest) -> HttpResponse:
    """One's own keys; everybody's for those who manage keys."""
    found = keys_page(request.principal, language())
    example = usage(request.build_absolute_uri("/"), key="")
    return render(request, "portal/people/keys.html", {"found": found, "usage": example})


@page("key.own", methods=("GET", "POST"))
def key_new(request: PageRequest) -> HttpResponse:
    """Make a key for oneself; the answer shows it, once."""
    who = request.principal
    form = KeyForm(request.POST or None, actions=POLICY[who.role])
    if request.method == "POST" and form.is_valid():
        if once_spent(request, who, "key"):
            messages.info(request, _("This key was made already. If you did not keep it, revoke it and make another."))
            return redirect("keys")
        given = form.cleaned_data
        made, raw = api_key_create(
            member=Member.objects.get(user_id=who.user_id),
            name=given["name"],
            scopes=frozenset(given["scopes"]),
            days=given["days"],
        )
        shown = {"made": made, "raw": raw, "usage": usage(request.build_absolute_uri("/"), key=raw)}
        return render(request, "portal/people/key_made.html", shown)
    chosen = request.POST.getlist("scopes") if request.method == "POST" else ["ask"]
    groups = scope_groups(who.role, set(chosen), language())
    shown = {"form": form, "groups": groups, "once": once_new()}
    return render(request, "portal/people/key_new.html", shown, status=422 if form.errors else 200)


@page("key.own", methods=("POST",))
def key_end(request: PageRequest, key_id: UUID) -> HttpResponse:
    """End a key now: one's own, or anybody's for those who manage keys."""
    who = request.principal
    own = ApiKey.objects.filter(id=key_id, member__user_id=who.user_id).exists()
    if not own and not allowed(who, "key.manage"):
        raise NotFound
    api_key_revoke(key_id=key_id)
    messages.success(request, _("The key is revoked; what still uses it is refused from now on."))
    return redirect("keys")
