"""The addresses of the chat."""

from django.urls import URLPattern, path

from liaoyuan.portal.chat import views

urlpatterns: list[URLPattern] = [
    path("chat/", views.chat, name="chat"),
    path("chat/turns/<uuid:turn_id>/", views.turn, name="chat_turn"),
    path("chat/turns/<uuid:turn_id>/stop", views.turn_halt, name="chat_stop"),
    path("chat/turns/<uuid:turn_id>/feedback", views.turn_feedback, name="chat_feedback"),
    path("chat/turns/<uuid:turn_id>/feedback/undo", views.turn_feedback_undo, name="chat_feedback_undo"),
    path("chat/turns/<uuid:turn_id>/<slug:kind>/<int:number>", views.source, name="chat_source"),
    path("chat/<uuid:solution_id>/", views.solution, name="chat_solution"),
    path("chat/<uuid:solution_id>/ask", views.ask, name="chat_ask"),
    path("chat/<uuid:solution_id>/list", views.conversations, name="chat_list"),
    path("chat/<uuid:solution_id>/<uuid:conversation_id>/", views.conversation, name="conversation"),
    path("chat/<uuid:solution_id>/<uuid:conversation_id>/rename", views.rename, name="conversation_rename"),
    path("chat/<uuid:solution_id>/<uuid:conversation_id>/delete", views.delete, name="conversation_delete"),
]
