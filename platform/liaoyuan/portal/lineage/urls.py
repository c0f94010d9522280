"""The addresses of traces and lineage."""

from django.urls import path

from liaoyuan.portal.lineage import views

urlpatterns = [
    path("traces/", views.traces, name="traces"),
    path("traces/<uuid:trace_id>/", views.trace, name="trace"),
    path("lineage/", views.lineage, name="lineage"),
    path("lineage/<slug:kind>/<uuid:identifier>/", views.lineage_of, name="lineage_of"),
]
