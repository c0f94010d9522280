"""The addresses of the portal's people pages."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
