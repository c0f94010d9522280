"""Django's own admin, as it is, behind glass: for superusers, through the platform's own sign-in, every step noted.

Row-level security binds it like everything else: it shows no tenant's rows.
"""

from typing import TYPE_CHECKING, Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import resolve_url

from liaoyuan.accounts.models import User
from liaoyuan.console.audit import operator_record
from liaoyuan.pipeline.models import WorkerBeat

if TYPE_CHECKING:
    from typing import TypeAlias

    People: TypeAlias = ModelAdmin[User]
    Beats: TypeAlias = ModelAdmin[WorkerBeat]
else:
    # Only the type stubs know it as generic.
    People = Beats = ModelAdmin
SAFE = frozenset({"GET", "HEAD"})


class BreakGlass(AdminSite):
    """Staff is not enough here, and its login page is ours: a second step is asked for where one is set."""

    site_title = site_header = "Break glass"

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return isinstance(user, User) and user.is_active and user.is_superuser

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        if request.user.is_authenticated:
            raise Http404
        following = request.GET.get("next") or resolve_url("admin:index")
        return redirect_to_login(following, resolve_url("account_login"))

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        def noted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            _note(request)
            answer: HttpResponseBase = view(request, *args, **kwargs)
            return answer

        return super().admin_view(noted, cacheable)


class PersonAdmin(People):
    """Accounts: who may sign in, who is an operator. Passwords are set by their owners."""

    list_display = ("email", "is_active", "is_staff", "is_superuser", "last_login")
    fields = ("email", "name", "is_active", "is_staff", "is_superuser", "last_login")
    readonly_fields = ("last_login",)
    search_fields = ("email",)


class BeatAdmin(Beats):
    """Signs of life; a wrong one may be removed."""

    list_display = ("name", "queues", "slots", "at")


def _note(request: HttpRequest) -> None:
    """Before it is done: what fails half-way was still tried."""
    if isinstance(request.user, User):
        action = "break-glass.look" if request.method in SAFE else "break-glass.change"
        operator_record(actor=request.user.id, action=action, object_kind="page", object_id=request.path[:120])


site = BreakGlass(name="admin")
site.register(User, PersonAdmin)
site.register(WorkerBeat, BeatAdmin)
