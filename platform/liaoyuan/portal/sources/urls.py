"""The addresses of versions, and of the sources that collections are synchronized with."""

from django.urls import URLPattern, path

from liaoyuan.portal.sources import source_views, version_views

urlpatterns: list[URLPattern] = [
    path("documents/<uuid:document_id>/versions/", version_views.versions, name="versions"),
    path("documents/<uuid:document_id>/versions/decide", version_views.decide, name="version_decide"),
    path("collections/<uuid:collection_id>/sources/", source_views.sources, name="sources"),
    path("collections/<uuid:collection_id>/sources/new/<slug:kind>", source_views.source_new, name="source_new"),
    path("sources/<uuid:source_id>/", source_views.source, name="source"),
    path("sources/<uuid:source_id>/live", source_views.source_live, name="source_live"),
    path("sources/<uuid:source_id>/edit", source_views.source_edit, name="source_edit"),
    path("sources/<uuid:source_id>/preview", source_views.preview, name="source_preview"),
    path("sources/<uuid:source_id>/act", source_views.act, name="source_act"),
]
