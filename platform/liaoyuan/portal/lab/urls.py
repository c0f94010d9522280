"""The addresses of the retrieval lab."""

from django.urls import URLPattern, path

from liaoyuan.portal.lab import views

urlpatterns: list[URLPattern] = [
    path("collections/<uuid:collection_id>/lab/", views.lab, name="lab"),
    path("collections/<uuid:collection_id>/lab/apply", views.apply, name="lab_apply"),
    path("collections/<uuid:collection_id>/lab/keep", views.keep, name="lab_keep"),
]
