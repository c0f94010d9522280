"""The addresses of the portal's home pages."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
