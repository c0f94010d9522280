"""The addresses of the portal's documents pages."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
