"""How a request to ``/api/v1`` becomes a principal, and what each operation asks of them.

One resolver for all channels: an API key, a browser's session and an event stream come in by :func:`caller`.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, Final

from django.http import HttpRequest
from ninja import Router
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from liaoyuan.accounts.choice import organization_chosen
from liaoyuan.accounts.policy import Principal, require
from liaoyuan.accounts.resolver import NotAuthenticated, principal_from_header, principal_from_session
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.api.limits import Allowance, Class, RateLimited, allowance, bucket_name
from liaoyuan.api.rest.idempotency import once, once_apart
from liaoyuan.errors import InvalidInput, LiaoyuanError

View = Callable[..., Any]
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
QUERY: Final = "query"


class ApiRequest(HttpRequest):
    """A request behind the door. ``allowance`` is what its caller has left of the rate limit."""

    auth: Principal
    allowance: Allowance | None


class CsrfRefused(LiaoyuanError):
    code = "csrf_refused"
    zh = "请求缺少或带有错误的 CSRF 令牌（X-CSRFToken），或来自其他网站。请刷新页面，或改用 API 密钥。"
    en = "The CSRF token (X-CSRFToken) is missing or wrong, or another site sent the request. Reload, or use a key."
    status = 403


class UnknownParameter(InvalidInput):
    code = "unknown_parameter"
    zh = "未知的查询参数：{names}。可用：{known}。"
    en = "Unknown query parameters: {names}. There are: {known}."


class Caller(AuthBase):
    """An API key in the Authorization header, else a session with its CSRF token; then the caller's rate limit, then
    the policy table on ``action``.

    A header that is there decides alone: a wrong key never falls back to a cookie.
    """

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_description = "API key; a signed-in browser session works as well, with its CSRF token"

    def __init__(self, action: str, limit: Class) -> None:
        super().__init__()
        self.action = action
        self.limit: Class = limit

    def __call__(self, request: HttpRequest) -> Principal:
        principal = caller(request)
        limit_take(request, self.limit, bucket_name(principal, request.headers.get("Authorization", "")))
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


def limit_take(request: HttpRequest, limit: Class, name: str) -> None:
    """Count the request; what is left is told in its headers. Raises RateLimited."""
    found = allowance(limit, name)
    request.allowance = found  # type: ignore[attr-defined]
    if found is not None and not found.allowed:
        raise RateLimited(limit=found.limit, seconds=found.reset)


def operation(
    router: Router,
    method: str,
    path: str,
    *,
    action: str,
    tenant: bool = True,
    limit: Class | None = None,
    extra: dict[str, Any] | None = None,
    **options: Any,
) -> Callable[[View], View]:
    """Register a view under the policy table's ``action``; ``tenant`` False: it opens short contexts of its own.

    ``extra`` goes into the description as it is. Every POST takes an ``Idempotency-Key``.
    An unknown query parameter is refused, never ignored.
    """
    kind: Class = limit or ("read" if method in SAFE else "write")

    def decorate(view: View) -> View:
        @wraps(view)
        def run(request: ApiRequest, *args: Any, **kwargs: Any) -> Any:
            _refuse_unknown(request, known)
            who, temporal = request.auth, kwargs.get("response")

            def inside() -> AbstractContextManager[Any]:
                return tenant_context(who.organization_id, who.user_id, groups=who.document_groups)

            def work() -> Any:
                return view(request, *args, **kwargs)

            if not tenant:
                return once_apart(request, who, temporal, work, inside) if method == "POST" else work()
            with inside():
                return once(request, who, temporal, work) if method == "POST" else work()

        register: Callable[[View], View] = router.api_operation(
            [method],
            path,
            auth=Caller(action, kind),
            operation_id=options.pop("operation_id", view.__name__),
            openapi_extra={"x-action": action, "x-rate-limit": kind, **(extra or {})},
            **options,
        )
        found = register(run)
        known = query_names(run)
        return found

    return decorate


def query_names(view: View) -> frozenset[str]:
    """The query parameters of a registered view."""
    models = view._ninja_operation.models  # type: ignore[attr-defined]
    return frozenset(
        name for model in models if model.__ninja_param_source__ == QUERY for name in model.__ninja_flatten_map__
    )


def _refuse_unknown(request: HttpRequest, known: frozenset[str]) -> None:
    unknown = sorted(set(request.GET) - known)
    if unknown:
        names = ", ".join(name[:40] for name in unknown[:5])
        raise UnknownParameter(names=names, known=", ".join(sorted(known)) or "-")
