"""The addresses of solutions and their runs."""

from django.urls import path

from liaoyuan.portal.solutions import views

urlpatterns = [
    path("solutions/", views.solutions, name="solutions"),
    path("solutions/<uuid:solution_id>/", views.solution, name="solution"),
    path("solutions/<uuid:solution_id>/board", views.board, name="solution_board"),
    path("solutions/<uuid:solution_id>/row", views.row, name="solution_row"),
    path("solutions/<uuid:solution_id>/start", views.start, name="solution_start"),
    path("solutions/<uuid:solution_id>/rename", views.rename, name="solution_rename"),
    path("solutions/<uuid:solution_id>/archive", views.archive, name="solution_archive"),
    path("solutions/<uuid:solution_id>/restore", views.restore, name="solution_restore"),
    path("runs/<uuid:run_id>/", views.run, name="run"),
    path("runs/<uuid:run_id>/live", views.run_live, name="run_live"),
    path("runs/<uuid:run_id>/<slug:verb>", views.run_steer, name="run_steer"),
]
