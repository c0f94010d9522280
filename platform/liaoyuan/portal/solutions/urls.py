"""The addresses of the portal's solutions pages."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
