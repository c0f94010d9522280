"""Who may enter the console: the platform's operators (``is_staff``), whatever their place in an organization.

Everybody else who is signed in gets the 404 that a page gets that is not there. What an operator changes asks for a
sign-in of the last half hour.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from liaoyuan.accounts.models import User
from liaoyuan.console.navigation import frame
from liaoyuan.errors import LiaoyuanError, NotFound

View = Callable[..., HttpResponseBase]
LOGIN: Final = "account_login"
FRESH_SECONDS: Final = 30 * 60
SAFE: Final = frozenset({"GET", "HEAD"})
# Where allauth keeps when and how this session signed in.
AUTHENTICATED: Final = "account_authentication_methods"


class OperatorRequest(HttpRequest):
    """A request behind the console's door."""

    user: User


@dataclass(frozen=True)
class ConsolePage:
    """What one view is; tests cross each with operator, owner and stranger."""

    view: str
    methods: tuple[str, ...]


PAGES: Final[dict[str, ConsolePage]] = {}


def console_page(*methods: str) -> Callable[[View], View]:
    """A view for operators. An error of ours becomes a sentence; missing things are the same 404 as elsewhere."""
    allowed = methods or ("GET",)

    def decorate(view: View) -> View:
        name = f"{view.__module__}.{view.__qualname__}"
        PAGES[name] = ConsolePage(name, allowed)

        @wraps(view)
        def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            refused = _refused(request, allowed)
            if refused is not None:
                return refused
            try:
                return view(request, *args, **kwargs)
            except NotFound as error:
                raise Http404 from error
            except LiaoyuanError as error:
                return _told(request, error)

        return never_cache(run)

    return decorate


def language() -> str:
    """ "zh" or "en", as the page is shown."""
    return "zh" if (get_language() or "").startswith("zh") else "en"


def show(request: HttpRequest, template: str, context: dict[str, Any] | None = None, status: int = 200) -> HttpResponse:
    """A console page: the console's own places stand at the side instead of an organization's."""
    return render(request, template, {"shell": frame(request), **(context or {})}, status=status)


def back(request: HttpRequest, otherwise: str) -> HttpResponseRedirect:
    """To the console page that the form stood on."""
    referrer = urlsplit(request.headers.get("Referer", ""))
    ours = referrer.netloc == request.get_host() and referrer.path.startswith(reverse("console"))
    path = referrer.path + (f"?{referrer.query}" if referrer.query else "") if ours else otherwise
    return HttpResponseRedirect(path)


def is_fresh(request: HttpRequest) -> bool:
    """Whether somebody proved in this session, within the last half hour, who they are: by signing in, or again."""
    records = request.session.get(AUTHENTICATED) or [{}]
    if time.time() - float(records[-1].get("at", 0)) < FRESH_SECONDS:
        return True
    # A one-time link leaves no record; the session itself is as old as its use.
    begun = UserSession.objects.filter(session_key=request.session.session_key, user_id=request.user.pk)
    return bool(begun.filter(created_at__gt=timezone.now() - timedelta(seconds=FRESH_SECONDS)).exists())


def _refused(request: HttpRequest, methods: tuple[str, ...]) -> HttpResponse | None:
    """What somebody gets who may not come in now; None for who may. Raises Http404 for those who never may."""
    if not request.user.is_authenticated:
        return _to_login(request)
    if not is_operator(request):
        raise Http404
    if request.method not in _with_head(methods):
        return HttpResponse(status=405, headers={"Allow": ", ".join(_with_head(methods))})
    if request.method not in SAFE and not is_fresh(request):
        return _ask_again(request)
    return None


def is_operator(request: HttpRequest) -> bool:
    """The platform's staff. A role in an organization makes nobody an operator."""
    return isinstance(request.user, User) and request.user.is_active and request.user.is_staff


def _with_head(methods: tuple[str, ...]) -> tuple[str, ...]:
    return (*methods, "HEAD") if "GET" in methods else methods


def _to_login(request: HttpRequest) -> HttpResponse:
    if not request.headers.get("HX-Request"):
        return redirect_to_login(request.get_full_path(), resolve_url(LOGIN))
    # A fragment must not be replaced by the login page: the whole page goes there.
    answer = HttpResponse(status=401)
    answer["HX-Redirect"] = redirect_to_login(reverse("console"), resolve_url(LOGIN))["Location"]
    return answer


def _ask_again(request: HttpRequest) -> HttpResponse:
    """Back to the form after the sign-in was confirmed; nothing was done yet."""
    messages.warning(
        request,
        _(
            "Confirm that it is you, then do it again: nothing was changed yet. "
            "Without a password, sign in anew with a link of manage.py login."
        ),
    )
    following = back(request, reverse("console")).url
    address = f"{reverse('account_reauthenticate')}?{urlencode({'next': following})}"
    if request.headers.get("HX-Request"):
        return HttpResponse(status=401, headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)


def _told(request: HttpRequest, error: LiaoyuanError) -> HttpResponse:
    sentence = error.sentence(language())
    if request.method in SAFE:
        return show(request, "console/error.html", {"sentence": sentence, "code": error.code}, status=error.status)
    messages.error(request, sentence)
    return back(request, reverse("console"))
