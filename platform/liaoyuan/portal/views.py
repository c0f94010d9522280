"""The acceptance of an invitation."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from liaoyuan.accounts.services import invitation_accept
from liaoyuan.errors import LiaoyuanError
from liaoyuan.portal.door import language
from liaoyuan.portal.forms import InvitationForm


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
