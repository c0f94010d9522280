"""The addresses of the six stage pages. The address of one page is ``stage`` with the stage's name."""

from django.urls import path, register_converter

from liaoyuan.pipeline.contract import PIPELINE_STAGES
from liaoyuan.portal.stages import views


class StageConverter:
    """One of the six names; anything else is no stage page."""

    regex = "|".join(PIPELINE_STAGES)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return str(value)


register_converter(StageConverter, "stage")

urlpatterns = [
    path("solutions/<uuid:solution_id>/<stage:stage>/", views.stage, name="stage"),
    path("solutions/<uuid:solution_id>/<stage:stage>/head", views.stage_head, name="stage_head"),
    path("solutions/<uuid:solution_id>/training/curve.json", views.training_curve, name="training_curve"),
    path("solutions/<uuid:solution_id>/data/download", views.data_download, name="data_download"),
    path("solutions/<uuid:solution_id>/deployment/rollback", views.deployment_rollback, name="deployment_rollback"),
    path("solutions/<uuid:solution_id>/operations/export.csv", views.operations_export, name="operations_export"),
]
