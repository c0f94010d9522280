"""The same server with one Django view that does nothing: the bound of what a page can reach here."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from liaoyuan.config.asgi import application

__all__ = ["application"]


def bare(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


def install() -> None:
    """Beside the platform's own addresses, in this process only."""
    from liaoyuan.config import urls

    urls.urlpatterns.insert(0, path("bench/bare", bare))


install()
