"""``manage.py lineage --organization O --of KIND:ID --direction up|down``: from page to answer and back."""

import json
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from liaoyuan.accounts.commands import EngineCommand
from liaoyuan.accounts.selectors import organization_by_name
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import LiaoyuanError
from liaoyuan.pipeline.selectors import Edge, Graph, Node, lineage_down, lineage_up


class Command(EngineCommand):
    help = "Show what something rests on (up), or what rests on it (down)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", required=True, help="name of the organization")
        parser.add_argument("--of", required=True, metavar="KIND:ID", help="where to start, e.g. model_version:<uuid>")
        parser.add_argument("--direction", choices=("up", "down"), default="up")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        kind, identifier = _start(options["of"])
        walk = lineage_up if options["direction"] == "up" else lineage_down
        try:
            with tenant_context(organization_by_name(options["organization"]).id):
                graph = walk(kind, identifier)
        except LiaoyuanError as error:
            raise CommandError(f"{error.sentence('zh')}\n{error.sentence('en')}") from error
        answer = graph_as_dict(graph) | {"direction": options["direction"]}
        self.stdout.write(json.dumps(answer, ensure_ascii=False) if options["json"] else _human(graph))


def _start(text: str) -> tuple[str, UUID]:
    kind, _, identifier = text.partition(":")
    try:
        return kind, UUID(identifier)
    except ValueError:
        raise CommandError(f"--of 应为 KIND:ID，收到“{text}” / --of must be KIND:ID, got “{text}”") from None


def graph_as_dict(graph: Graph) -> dict[str, Any]:
    """``of``, ``nodes`` [{kind, id, name}], ``edges`` [{parent, child, relation}] with ``KIND:ID`` at both ends."""
    return {
        "of": _key(graph.start),
        "nodes": [{"kind": node.kind, "id": str(node.id), "name": node.name} for node in graph.nodes],
        "edges": [_edge(edge) for edge in graph.edges],
    }


def _edge(edge: Edge) -> dict[str, str]:
    return {"parent": _key(edge.parent), "child": _key(edge.child), "relation": edge.relation}


def _key(node: Node) -> str:
    return f"{node.kind}:{node.id}"


def _human(graph: Graph) -> str:
    lines = [f"{_key(edge.parent)} —{edge.relation}→ {_key(edge.child)}" for edge in graph.edges]
    return "\n".join(lines) or f"{_key(graph.start)}: 没有谱系 / no lineage"
