"""The addresses of the first page, of the bell, and of the choice of an organization."""

from django.urls import path

from liaoyuan.portal.home import views

urlpatterns = [
    path("", views.home, name="home"),
    path("home/needs", views.home_live, name="home_live"),
    path("organization", views.organization, name="organization"),
    path("notifications/", views.notifications, name="notifications"),
    path("notifications/list", views.notifications_live, name="notifications_live"),
    path("notifications/seen", views.notifications_seen, name="notifications_seen"),
]
