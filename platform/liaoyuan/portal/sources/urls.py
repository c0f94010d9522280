"""The addresses of sources that collections are synchronized with."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
