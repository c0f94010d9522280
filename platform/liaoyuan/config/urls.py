"""Every address of the platform that Django serves; ``config.asgi`` has those beside it."""

from django.urls import include, path

from liaoyuan.api.rest.api import api
from liaoyuan.console.breakglass import site as break_glass

urlpatterns = [
    path("", include("liaoyuan.portal.urls")),
    path("console/", include("liaoyuan.console.urls")),
    path("api/v1/", api.urls),
    path("accounts/", include("allauth.urls")),
    path("language/", include("django.conf.urls.i18n")),
    path("break-glass/", break_glass.urls),
]
