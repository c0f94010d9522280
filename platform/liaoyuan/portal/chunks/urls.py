"""The addresses of a document's chunks, beside its pages."""

from django.urls import URLPattern, path

from liaoyuan.portal.chunks import views

_HERE = "documents/<uuid:document_id>/chunks/"
urlpatterns: list[URLPattern] = [
    path(_HERE, views.chunks, name="chunks"),
    path(f"{_HERE}state", views.chunks_state, name="chunks_state"),
    path(f"{_HERE}preview", views.chunks_preview, name="chunks_preview"),
    path(f"{_HERE}lost/<uuid:patch_id>", views.lost_settle, name="chunk_lost_settle"),
    path(f"{_HERE}<uuid:chunk_id>/<str:verb>", views.chunk_change, name="chunk_change"),
]
