"""The addresses of the portal's wizard pages."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
