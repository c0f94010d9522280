"""The addresses of the portal's account pages, and the two doors for those who cannot sign in yet."""

from django.urls import path

from liaoyuan.portal.account import entrance, views

urlpatterns = [
    path("account/", views.account, name="account"),
    path("account/sessions/<int:session_id>/end", views.session_end, name="session_end"),
    path("account/sessions/end-others", views.sessions_end, name="sessions_end"),
    path("account/leave", views.leave, name="account_leave"),
    path("invitation", entrance.invitation, name="invitation"),
    # Before the library's page of the same address, which only knows how to send mail.
    path("accounts/password/reset/", entrance.forgotten, name="account_reset_password"),
    # The library's pages that we do not offer. Whoever could change their own address could take the invitation of
    # somebody else's: addresses are given by an invitation or an operator, never typed by their holder.
    *(path(f"accounts/{place}", entrance.closed) for place in entrance.CLOSED),
    path("enter/<str:token>", entrance.enter, name="enter"),
]
