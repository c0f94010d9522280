"""The addresses of a document's passages, beside its pages."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
