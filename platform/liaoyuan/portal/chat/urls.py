"""The addresses of the portal's chat pages."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
