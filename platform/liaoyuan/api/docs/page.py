"""``/api/v1/docs``: the description as a page of our own, drawn by the server, without any script or inline style."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase
from ninja.responses import Response

from liaoyuan.accounts.choice import organization_chosen
from liaoyuan.accounts.models import User
from liaoyuan.accounts.resolver import memberships_of_users
from liaoyuan.api.docs.chinese import in_chinese
from liaoyuan.api.docs.reading import areas
from liaoyuan.api.rest.describe import Json
from liaoyuan.api.rest.problem_codes import problem_codes

PROBLEMS: Final = "problems"
LANGUAGES: Final = {"zh": "zh-hans", "en": "en"}

_made: Final[dict[tuple[Any, ...], Json]] = {}


class Pages(DocsBase):
    """Ninja's place for a documentation page."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        """One area at a time (``?area=``), the overview without one. An unknown area shows the overview."""
        _enter(request)
        if request.GET.get("lang") in LANGUAGES:
            with translation.override(LANGUAGES[request.GET["lang"]]):
                return self._page(request, api, kwargs)
        return self._page(request, api, kwargs)

    def _page(self, request: HttpRequest, api: NinjaAPI, path_params: dict[str, Any]) -> HttpResponse:
        language = "zh" if (get_language() or "").startswith("zh") else "en"
        found = areas(described(api, path_params, language), language)
        wanted = request.GET.get("area", "")
        shown = {
            "areas": found,
            "area": next((area for area in found if area.name == wanted), None),
            "wanted": wanted if wanted == PROBLEMS else "",
            "problems": _problems(language) if wanted == PROBLEMS else [],
            "count": sum(len(area.operations) for area in found),
            "base": request.build_absolute_uri("/api/v1"),
        }
        answer: HttpResponse = never_cache(lambda _: render(request, "api/docs.html", shown))(request)
        return answer


def description(request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
    """``/api/v1/openapi.json``: in English, whatever the house speaks, unless Chinese is asked for."""
    asked = request.GET.get("lang") or request.headers.get("Accept-Language", "")
    language = "zh" if asked.strip().lower().startswith("zh") else "en"
    answer = Response(described(api, kwargs, language))
    patch_vary_headers(answer, ["Accept-Language"])
    answer["Content-Language"] = language
    return answer


def described(api: NinjaAPI, path_params: dict[str, Any], language: str) -> Json:
    """The document in "zh" or "en". It is the same for everybody, made once in each language, and only read."""
    key = (id(api), tuple(sorted(path_params.items())), language)
    if key not in _made:
        english = api.get_openapi_schema(path_params=path_params)
        _made[key] = in_chinese(english) if language == "zh" else english
    return _made[key]


def _enter(request: HttpRequest) -> None:
    """Let the frame around the page know who reads it."""
    mine = memberships_of_users({request.user.pk}) if isinstance(request.user, User) else {}
    if mine:
        chosen = organization_chosen(request)
        here = next((each for each in mine if each.organization_id == chosen), next(iter(mine)))
        request.principal = here  # type: ignore[attr-defined]
        request.organizations = {each.organization_id: name for each, name in mine.items()}  # type: ignore[attr-defined]


def _problems(language: str) -> list[dict[str, Any]]:
    rows = problem_codes()
    return [
        {
            "code": row.code,
            "status": row.status,
            "retryable": row.retryable,
            "sentence": row.zh if language == "zh" else row.en,
        }
        for row in rows
    ]
