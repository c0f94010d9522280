"""The addresses of question sets, evaluations and verdicts."""

from django.urls import URLPattern, path

from liaoyuan.portal.evaluation import verdicts, views

HERE = "collections/<uuid:collection_id>/evaluation"
SET = f"{HERE}/sets/<uuid:set_id>"

urlpatterns: list[URLPattern] = [
    path(f"{HERE}/", views.evaluation, name="evaluation"),
    path(f"{HERE}/live", views.evaluation_live, name="evaluation_live"),
    path(f"{HERE}/run", views.evaluation_run, name="evaluation_run"),
    path(f"{HERE}/runs/<uuid:evaluation_id>/", views.evaluation_result, name="evaluation_result"),
    path(f"{HERE}/sets/new", views.set_new, name="question_set_new"),
    path(f"{HERE}/sets/import", views.set_import, name="question_set_import"),
    path(f"{HERE}/sets/synthesise", views.set_synthesise, name="question_set_synthesise"),
    path(f"{SET}/", views.question_set, name="question_set"),
    path(f"{SET}/change", views.set_state, name="question_set_change"),
    path(f"{SET}/thresholds", views.set_thresholds, name="question_set_thresholds"),
    path(f"{SET}/export.jsonl", views.set_export, name="question_set_export"),
    path(f"{SET}/questions", views.question_new, name="question_new"),
    path(f"{SET}/review", views.question_review, name="question_review"),
    path(f"{SET}/questions/<uuid:question_id>", views.question_change, name="question_change"),
    path(f"{HERE}/verdict/", verdicts.verdict, name="verdict"),
    path(f"{HERE}/verdict/keep", verdicts.verdict_keep, name="verdict_keep"),
]
