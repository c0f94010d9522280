"""The addresses of the frame itself."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
