"""``/api/v1``: everything that the platform does, for programs. Its description is at ``/api/v1/docs`` for members."""

from functools import partial
from typing import Any

from django.contrib.auth.decorators import login_required
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from liaoyuan.api.docs.page import Pages, description
from liaoyuan.api.rest import (
    answers,
    assurance,
    chunks,
    contents,
    datasets,
    deployments,
    desk,
    documents,
    evaluation,
    indexes,
    invitations,
    lab,
    oversight,
    people,
    ranking,
    runs,
    sending,
    solutions,
    sources,
    trainings,
)
from liaoyuan.api.rest.describe import describe
from liaoyuan.api.rest.edge import edges
from liaoyuan.api.rest.problems import problems_install

ROUTERS = (
    solutions,
    runs,
    documents,
    lab,
    contents,
    evaluation,
    chunks,
    sources,
    sending,
    indexes,
    ranking,
    datasets,
    trainings,
    deployments,
    assurance,
    answers,
    people,
    invitations,
    desk,
    oversight,
)
DESCRIPTION = """\
Everything that the portal does, for programs. Send an API key as `Authorization: Bearer ly_…`.

* **Errors** are `application/problem+json` with a stable `code`, in the language of `Accept-Language` (zh, en).
* **Lists** come in pages: send `next` as `cursor`. The `Link` header has the address of the next page.
* **Long work** answers `202` at once; `Location` has the run to follow, `/runs/{id}/events` streams it.
* **Retries** are safe with an `Idempotency-Key` on any POST: the same key and body give the same answer for 24 hours.
* **Limits** are told in `RateLimit-*` headers; above them `429` says in `Retry-After` when to come back.
"""


class Api(NinjaAPI):
    """Ninja behind our edge, with a description that says all that a caller needs."""

    def _get_urls(self) -> list[URLResolver | URLPattern]:
        patterns = super()._get_urls()
        for pattern in patterns:
            if isinstance(pattern, URLPattern) and pattern.name == "openapi-json":
                # Ninja's own knows one language.
                pattern.callback = login_required(partial(description, api=self))
        return edges(patterns)

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """The OpenAPI 3.1 document, with scopes, errors, headers and examples."""
        found = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        describe(found)
        return found


api = Api(
    title="Liaoyuan",
    version="1",
    urls_namespace="api",
    description=DESCRIPTION,
    docs=Pages(),
    docs_decorator=login_required,
)
for module in ROUTERS:
    api.add_router("", module.router)
problems_install(api)
