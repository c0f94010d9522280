"""How a request to ``/api/v1`` becomes a principal, and what each operation asks of them."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from ninja import Router
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from liaoyuan.accounts.choice import organization_chosen
from liaoyuan.accounts.policy import Principal, require
from liaoyuan.accounts.resolver import NotAuthenticated, principal_from_header, principal_from_session
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import LiaoyuanError

View = Callable[..., Any]
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class ApiRequest(HttpRequest):
    """A request behind the door."""

    auth: Principal


class CsrfRefused(LiaoyuanError):
    code = "csrf_refused"
    zh = "请求缺少或带有错误的 CSRF 令牌（X-CSRFToken），或来自其他网站。请刷新页面，或改用 API 密钥。"
    en = "The CSRF token (X-CSRFToken) is missing or wrong, or another site sent the request. Reload, or use a key."
    status = 403


class Caller(AuthBase):
    """An API key in the Authorization header, else a session with its CSRF token; then the policy table on ``action``.

    A header that is there decides alone: a wrong key never falls back to a cookie.
    """

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_description = "API key; a signed-in browser session works as well, with its CSRF token"

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action

    def __call__(self, request: HttpRequest) -> Principal:
        principal = caller(request)
        require(principal, self.action)
        return principal


def caller(request: HttpRequest) -> Principal:
    """Whoever sends ``request``. Raises NotAuthenticated, CsrfRefused."""
    authorization = request.headers.get("Authorization", "")
    if authorization:
        return principal_from_header(authorization)
    if not request.user.is_authenticated:
        raise NotAuthenticated
    if request.method not in SAFE and check_csrf(request) is not None:
        raise CsrfRefused
    return principal_from_session(request.user, organization_chosen(request))


def operation(
    router: Router, method: str, path: str, *, action: str, tenant: bool = True, **options: Any
) -> Callable[[View], View]:
    """Register a view under the policy table's ``action``; ``tenant`` False: it opens short contexts of its own."""

    def decorate(view: View) -> View:
        @wraps(view)
        def run(request: ApiRequest, *args: Any, **kwargs: Any) -> Any:
            if not tenant:
                return view(request, *args, **kwargs)
            who = request.auth
            with tenant_context(who.organization_id, who.user_id, groups=who.document_groups):
                return view(request, *args, **kwargs)

        register: Callable[[View], View] = router.api_operation(
            [method], path, auth=Caller(action), openapi_extra={"x-action": action}, **options
        )
        return register(run)

    return decorate
