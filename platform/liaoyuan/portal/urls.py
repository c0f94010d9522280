"""The portal's addresses, area by area."""

from django.urls import include, path

from liaoyuan.portal import views

AREAS = ("shell", "home", "wizard", "solutions", "stages", "lineage", "documents", "chat", "people", "account")

urlpatterns = [
    *(path("", include(f"liaoyuan.portal.{area}.urls")) for area in AREAS),
    path("", views.home, name="home"),
    path("solutions/<uuid:solution_id>/card", views.solution, name="solution"),
    path("runs/<uuid:run_id>/<slug:verb>", views.run_steer, name="run_steer"),
    path("organization", views.organization, name="organization"),
    path("invitation", views.invitation, name="invitation"),
]
