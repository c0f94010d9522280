"""The portal's addresses, area by area."""

from django.urls import include, path

from liaoyuan.portal import views

AREAS = ("shell", "home", "wizard", "solutions", "stages", "lineage", "documents", "chat", "people", "account")

urlpatterns = [
    *(path("", include(f"liaoyuan.portal.{area}.urls")) for area in AREAS),
    path("invitation", views.invitation, name="invitation"),
]
