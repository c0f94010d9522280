"""The addresses of question sets, evaluations and verdicts."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
