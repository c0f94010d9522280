"""The addresses of the retrieval lab."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
