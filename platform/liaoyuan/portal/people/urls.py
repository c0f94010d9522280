"""The addresses of the portal's people pages."""

from django.urls import path

from liaoyuan.portal.people import audit, keys, settings, views

urlpatterns = [
    path("organization/members/", views.members, name="members"),
    path("organization/members/invite", views.invite, name="member_invite"),
    path("organization/members/export.csv", views.members_export, name="members_export"),
    path("organization/members/<uuid:member_id>/", views.member, name="member"),
    path("organization/members/<uuid:member_id>/<slug:verb>", views.member_steer, name="member_steer"),
    path("organization/invitations/<uuid:invitation_id>/renew", views.invitation_new_link, name="invitation_renew"),
    path("organization/invitations/<uuid:invitation_id>/revoke", views.invitation_end, name="invitation_revoke"),
    path("organization/roles/", views.roles, name="roles"),
    path("organization/keys/", keys.keys, name="keys"),
    path("organization/keys/new", keys.key_new, name="key_new"),
    path("organization/keys/<uuid:key_id>/revoke", keys.key_end, name="key_revoke"),
    path("organization/audit/", audit.audit, name="audit"),
    path("organization/audit/verify", audit.verify, name="audit_verify"),
    path("organization/audit/export.csv", audit.export, name="audit_export"),
    path("organization/settings/", settings.organization_settings, name="organization_settings"),
]
