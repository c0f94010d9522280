"""For those who answer for it: industries, lineage, the audit chain."""

from typing import Annotated, Literal
from uuid import UUID

from ninja import Path, Router
from pydantic import Field

from liaoyuan.accounts.selectors import audit_verify
from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.errors import NotFound
from liaoyuan.industry.selectors import industry_survey
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.pipeline.models import Artifact
from liaoyuan.pipeline.selectors import Graph, lineage_down, lineage_up

router = Router(tags=["oversight"])
Kind = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$")]
VERSION = "document_version"


@operation(router, "GET", "/industries", action="solution.view", tenant=False)
def industries(request: ApiRequest) -> list[dict[str, object]]:
    """The installed packs with their scenarios, and what is wrong with those that were refused."""
    packs, refused = industry_survey()
    known: list[dict[str, object]] = [
        {
            "name": pack.name,
            "title": pack.spec.title.model_dump(),
            "version": pack.spec.version,
            "signed_by": pack.signed_by,
            "scenarios": [
                {"name": name, "title": scenario.title.model_dump()} for name, scenario in pack.scenarios.items()
            ],
        }
        for pack in packs
    ]
    return known + [{"name": name, "error": error.code} for name, error in refused.items()]


@operation(router, "GET", "/lineage/{kind}/{object_id}", action="lineage.view")
def lineage(
    request: ApiRequest, kind: Path[Kind], object_id: UUID, direction: Literal["up", "down"] = "up"
) -> dict[str, object]:
    """What an object rests on (up), or what rests on it (down). Names of documents one may not read are left out."""
    graph = (lineage_up if direction == "up" else lineage_down)(kind, object_id)
    if not graph.edges and not Artifact.objects.filter(kind=kind, id=object_id).exists():
        raise NotFound
    hidden = _hidden(graph)
    nodes = [{"kind": node.kind, "id": node.id, "name": "" if node.id in hidden else node.name} for node in graph.nodes]
    edges = [{"parent": edge.parent.id, "child": edge.child.id, "relation": edge.relation} for edge in graph.edges]
    return {"direction": direction, "nodes": nodes, "edges": edges}


@operation(router, "GET", "/audit/verify", action="audit.view")
def audit(request: ApiRequest) -> dict[str, object]:
    """Walk the organization's hash chain from its first link."""
    report = audit_verify()
    return {"ok": report.ok, "checked": report.checked, "first_bad": report.first_bad, "head": report.head}


def _hidden(graph: Graph) -> set[UUID]:
    if current_tenant().groups is None:
        return set()
    versions = {node.id for node in graph.nodes if node.kind == VERSION}
    return versions - set(versions_readable().filter(id__in=versions).values_list("id", flat=True))
