"""The portal's addresses, area by area."""

from django.urls import include, path

AREAS = (
    "shell", "home", "wizard", "solutions", "stages", "lineage", "documents", "chunks", "lab", "evaluation", "sources",
    "chat", "people", "account",
)  # fmt: skip

urlpatterns = [path("", include(f"liaoyuan.portal.{area}.urls")) for area in AREAS]
