"""The portal's addresses."""

from django.urls import path

from liaoyuan.portal import views

urlpatterns = [
    path("", views.home, name="home"),
    path("solutions/<uuid:solution_id>/card", views.solution, name="solution"),
    path("runs/<uuid:run_id>/<slug:verb>", views.run_steer, name="run_steer"),
    path("organization", views.organization, name="organization"),
    path("invitation", views.invitation, name="invitation"),
]
