"""The addresses of the portal's stages pages."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
