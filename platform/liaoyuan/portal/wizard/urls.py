"""The addresses of the new-solution wizard: every step survives a reload and the Back button."""

from django.urls import path

from liaoyuan.portal.wizard import uploads, views

DRAFT = "solutions/new/<uuid:draft_id>/"

urlpatterns = [
    path("solutions/new", views.new, name="solution_new"),
    path("solutions/samples", views.samples, name="solution_samples"),
    path(DRAFT, views.resume, name="wizard_resume"),
    path(DRAFT + "industry", views.industry, name="wizard_industry"),
    path(DRAFT + "scenario", views.scenario, name="wizard_scenario"),
    path(DRAFT + "documents", views.documents, name="wizard_documents"),
    path(DRAFT + "plan", views.plan, name="wizard_plan"),
    path(DRAFT + "plan/documents", views.plan_documents, name="wizard_plan_documents"),
    path(DRAFT + "start", views.start, name="wizard_start"),
    path(DRAFT + "discard", views.discard, name="wizard_discard"),
    path(DRAFT + "uploads", uploads.uploads, name="wizard_uploads"),
    path(DRAFT + "uploads/<uuid:upload_id>", uploads.upload_part, name="wizard_upload_part"),
    path(DRAFT + "uploads/<uuid:upload_id>/remove", uploads.upload_end, name="wizard_upload_remove"),
]
