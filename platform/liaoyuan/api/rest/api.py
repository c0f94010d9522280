"""``/api/v1``: everything that the platform does, for programs. Its description is at ``/api/v1/docs`` for members."""

from django.contrib.auth.decorators import login_required
from ninja import NinjaAPI

from liaoyuan.api.rest import answers, documents, oversight, people, runs, solutions
from liaoyuan.api.rest.problems import problems_install

api = NinjaAPI(
    title="Liaoyuan",
    version="1",
    urls_namespace="api",
    description="Errors are application/problem+json with a stable code, in the language of Accept-Language (zh, en).",
    docs_decorator=login_required,
)
for module in (solutions, runs, documents, answers, people, oversight):
    api.add_router("", module.router)
problems_install(api)
