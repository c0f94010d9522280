"""The operator's console."""

from django.urls import path

from liaoyuan.console.views import house, jobs, organizations, overview

ORGANIZATION = "organizations/<uuid:organization_id>/"

urlpatterns = [
    path("", overview.overview, name="console"),
    path("live", overview.overview_live, name="console_live"),
    path("workers/", overview.workers, name="console_workers"),
    path("workers/live", overview.workers_live, name="console_workers_live"),
    path("jobs/", jobs.jobs, name="console_jobs"),
    path("jobs/<uuid:run_id>/", jobs.job, name="console_job"),
    path("jobs/<uuid:run_id>/live", jobs.job_live, name="console_job_live"),
    path("jobs/<uuid:run_id>/<slug:verb>", jobs.job_steer, name="console_job_steer"),
    path("organizations/", organizations.organization_list, name="console_organizations"),
    path("organizations/new", organizations.organization_new, name="console_organization_new"),
    path(ORGANIZATION, organizations.organization, name="console_organization"),
    path(f"{ORGANIZATION}quota", organizations.organization_quota, name="console_organization_quota"),
    path(f"{ORGANIZATION}suspend", organizations.organization_suspend, name="console_organization_suspend"),
    path(f"{ORGANIZATION}resume", organizations.organization_resume, name="console_organization_resume"),
    path(f"{ORGANIZATION}owner", organizations.organization_owner, name="console_organization_owner"),
    path("packs/", house.packs, name="console_packs"),
    path("packs/<slug:name>/<slug:verb>", house.pack_examine, name="console_pack_examine"),
    path("models/", house.models, name="console_models"),
    path("models/probe", house.model_probe, name="console_model_probe"),
    path("settings/", house.settings_in_force, name="console_settings"),
    path("audit/", house.audit, name="console_audit"),
    path("audit/verify", house.audit_verify_platform, name="console_audit_verify_platform"),
    path("audit/<uuid:organization_id>/verify", house.audit_verify, name="console_audit_verify"),
    path("support/", house.support, name="console_support"),
    path("support/bundle", house.support_bundle, name="console_support_bundle"),
]
