"""The addresses of the portal's lineage pages."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
