"""How a browser's request becomes a principal on a page, and what each page asks of the policy table."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from liaoyuan.accounts.choice import organization_chosen
from liaoyuan.accounts.models import User
from liaoyuan.accounts.policy import Principal, require
from liaoyuan.accounts.resolver import memberships_of_users
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import LiaoyuanError, NotFound

View = Callable[..., HttpResponseBase]
LOGIN: Final = "account_login"


class PageRequest(HttpRequest):
    """A request behind the door: ``principal`` is in the chosen one of ``organizations`` (id → name)."""

    principal: Principal
    memberships: list[Principal]
    organizations: dict[UUID, str]


@dataclass(frozen=True)
class Page:
    """What one view asks of its visitor; tests cross it with every role."""

    view: str
    action: str
    methods: tuple[str, ...]


PAGES: Final[dict[str, Page]] = {}


def language() -> str:
    """ "zh" or "en", as the page is shown."""
    return "zh" if (get_language() or "").startswith("zh") else "en"


def page(
    action: str, *, methods: tuple[str, ...] = ("GET",), tenant: bool = True, kept: bool = False
) -> Callable[[View], View]:
    """A view for signed-in members whose role may do ``action``; it runs inside their tenant context.

    Missing and foreign things are the same 404. Another error of ours becomes a sentence: on GET a page with its
    status, on POST a message on the page that the form stood on. ``tenant`` False: the view opens its own contexts.
    ``kept`` True: the view says itself for how long a browser may keep the answer.
    """

    def decorate(view: View) -> View:
        name = f"{view.__module__}.{view.__qualname__}"
        PAGES[name] = Page(name, action, methods)

        @wraps(view)
        def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            mine = memberships_of_users({request.user.pk}) if isinstance(request.user, User) else {}
            if not mine:
                return _turned_away(request)
            entered = _enter(request, mine)
            who = entered.principal
            try:
                require(who, action)
                if not tenant:
                    return view(entered, *args, **kwargs)
                with tenant_context(who.organization_id, who.user_id, groups=who.document_groups):
                    return view(entered, *args, **kwargs)
            except NotFound as error:
                raise Http404 from error
            except LiaoyuanError as error:
                return _told(entered, error)

        guarded = require_http_methods([*methods, *(["HEAD"] if "GET" in methods else [])])(run)
        return guarded if kept else never_cache(guarded)

    return decorate


def back(request: HttpRequest, otherwise: str = "/") -> str:
    """The path of our own page that the request came from; ``otherwise`` where it came from elsewhere."""
    referrer = urlsplit(request.headers.get("Referer", ""))
    if not referrer.path or referrer.netloc != request.get_host():
        return otherwise
    return referrer.path + (f"?{referrer.query}" if referrer.query else "")


def _enter(request: HttpRequest, mine: dict[Principal, str]) -> PageRequest:
    chosen, memberships = organization_chosen(request), list(mine)
    here = next((each for each in memberships if each.organization_id == chosen), memberships[0])
    request.principal, request.memberships = here, memberships  # type: ignore[attr-defined]
    request.organizations = {each.organization_id: name for each, name in mine.items()}  # type: ignore[attr-defined]
    return request  # type: ignore[return-value]


def _turned_away(request: HttpRequest) -> HttpResponse:
    """A stranger goes to the login page and comes back; somebody without an organization is told so.

    An operator without one has the console: that is where the front door leads.
    """
    if request.user.is_authenticated and request.user.is_staff and request.path == "/":
        return HttpResponseRedirect(reverse("console"))
    if request.user.is_authenticated:
        return render(request, "portal/nobody.html", status=403)
    if not request.headers.get("HX-Request"):
        return redirect_to_login(request.get_full_path(), resolve_url(LOGIN))
    # A fragment must not be replaced by the login page: the whole page goes there.
    answer = HttpResponse(status=401)
    answer["HX-Redirect"] = redirect_to_login(back(request), resolve_url(LOGIN))["Location"]
    return answer


def _told(request: PageRequest, error: LiaoyuanError) -> HttpResponse:
    sentence = error.sentence(language())
    if request.headers.get("HX-Request"):
        return render(request, "portal/error_fragment.html", {"sentence": sentence, "code": error.code}, status=422)
    if request.method in {"GET", "HEAD"}:
        found = {"sentence": sentence, "code": error.code}
        return render(request, "portal/error.html", found, status=error.status)
    messages.error(request, sentence)
    return HttpResponseRedirect(back(request))
