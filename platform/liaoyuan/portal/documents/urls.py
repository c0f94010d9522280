"""The addresses of collections and documents."""

from django.urls import URLPattern, path

from liaoyuan.portal.documents import index_views, ranking_views, rereading_views, sending_views, views, waiting_views

urlpatterns: list[URLPattern] = [
    path("collections/", views.collections, name="collections"),
    path("collections/samples", views.samples_try, name="collection_samples"),
    path("collections/<uuid:collection_id>/", views.collection, name="collection"),
    path("collections/<uuid:collection_id>/live", views.collection_live, name="collection_live"),
    path("collections/<uuid:collection_id>/upload", views.collection_upload, name="collection_upload"),
    path("collections/<uuid:collection_id>/uploads", sending_views.uploads, name="collection_uploads"),
    path("collections/<uuid:collection_id>/uploads/take", sending_views.uploads_take, name="collection_uploads_take"),
    path(
        "collections/<uuid:collection_id>/uploads/<uuid:upload_id>",
        sending_views.upload_part,
        name="collection_upload_part",
    ),
    path(
        "collections/<uuid:collection_id>/uploads/<uuid:upload_id>/remove",
        sending_views.upload_end,
        name="collection_upload_remove",
    ),
    path("collections/<uuid:collection_id>/retry", views.collection_retry, name="collection_retry"),
    path("collections/<uuid:collection_id>/groups", views.collection_regroup, name="collection_regroup"),
    path("collections/<uuid:collection_id>/reread", rereading_views.collection_reread, name="collection_reread"),
    path("collections/<uuid:collection_id>/erase", views.collection_erase, name="collection_erase"),
    path("collections/<uuid:collection_id>/files/retry", waiting_views.files_retry, name="files_retry"),
    path("collections/<uuid:collection_id>/files/cancel", waiting_views.files_cancel, name="files_cancel"),
    path(
        "collections/<uuid:collection_id>/settings/", index_views.collection_settings_page, name="collection_settings"
    ),
    path("collections/<uuid:collection_id>/settings/live", index_views.generations_live, name="generations_live"),
    path("collections/<uuid:collection_id>/settings/build", index_views.index_build, name="index_build"),
    path("collections/<uuid:collection_id>/settings/renew", index_views.index_renew, name="index_renew"),
    path("collections/<uuid:collection_id>/settings/search", index_views.search_settings, name="search_settings"),
    path("collections/<uuid:collection_id>/settings/ranking", ranking_views.ranking_live, name="ranking_live"),
    path("collections/<uuid:collection_id>/settings/ranking/learn", ranking_views.ranking_learn, name="ranking_learn"),
    path(
        "collections/<uuid:collection_id>/settings/ranking/reset",
        ranking_views.ranking_take_back,
        name="ranking_reset",
    ),
    path(
        "collections/<uuid:collection_id>/settings/<uuid:index_id>/swap",
        index_views.generation_swap_in,
        name="generation_swap",
    ),
    path(
        "collections/<uuid:collection_id>/settings/<uuid:index_id>/drop",
        index_views.generation_drop_out,
        name="generation_drop",
    ),
    path("documents/<uuid:document_id>/", views.document, name="document"),
    path("documents/<uuid:document_id>/reread", rereading_views.document_reread, name="document_reread"),
    path("documents/<uuid:document_id>/unlock", views.document_unlock, name="document_unlock"),
    path("documents/<uuid:document_id>/pages/<int:page>.png", views.page_image, name="page_image"),
]
