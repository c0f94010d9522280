"""Every address of the platform that Django serves; ``config.asgi`` has those beside it."""

from django.contrib import admin
from django.urls import include, path

from liaoyuan.api.rest.api import api

urlpatterns = [
    path("api/v1/", api.urls),
    path("accounts/", include("allauth.urls")),
    path("break-glass/", admin.site.urls),
]
