"""The addresses of the frame itself."""

from django.urls import URLPattern, path

from liaoyuan.portal.live import live
from liaoyuan.portal.shell import views

urlpatterns: list[URLPattern] = [
    path("live", live, name="live"),
    path("palette", views.palette, name="palette"),
    path("away", views.away, name="workers_away"),
    path("design", views.design_page, name="design"),
]
