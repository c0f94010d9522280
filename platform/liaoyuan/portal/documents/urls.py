"""The addresses of collections and documents."""

from django.urls import URLPattern, path

from liaoyuan.portal.documents import views

urlpatterns: list[URLPattern] = [
    path("collections/", views.collections, name="collections"),
    path("collections/samples", views.samples_try, name="collection_samples"),
    path("collections/<uuid:collection_id>/", views.collection, name="collection"),
    path("collections/<uuid:collection_id>/live", views.collection_live, name="collection_live"),
    path("collections/<uuid:collection_id>/upload", views.collection_upload, name="collection_upload"),
    path("collections/<uuid:collection_id>/retry", views.collection_retry, name="collection_retry"),
    path("collections/<uuid:collection_id>/groups", views.collection_regroup, name="collection_regroup"),
    path("collections/<uuid:collection_id>/erase", views.collection_erase, name="collection_erase"),
    path("documents/<uuid:document_id>/", views.document, name="document"),
    path("documents/<uuid:document_id>/pages/<int:page>.png", views.page_image, name="page_image"),
]
