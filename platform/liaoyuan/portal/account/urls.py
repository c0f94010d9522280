"""The addresses of the portal's account pages."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
