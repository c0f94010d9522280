"""What the nodes of the lineage graph are called, kind by kind, with one question to the database for each kind."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.urls import NoReverseMatch, reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from liaoyuan.accounts.policy import Principal, allowed
from liaoyuan.data.models import DatasetVersion
from liaoyuan.deployment.models import Bundle, Deployment
from liaoyuan.knowledge.models import Chunk, Document, DocumentVersion
from liaoyuan.operations.models import Trace
from liaoyuan.pipeline.models import Artifact, Solution
from liaoyuan.pipeline.neighbours import Key
from liaoyuan.portal.lineage.traces import trace_rows

LONGEST: Final = 120
STAGE_OF: Final = {
    "capacity_plan": "compute",
    "dataset_version": "data",
    "curation_trace": "data",
    "model_version": "training",
    "training_report": "training",
    "bundle": "deployment",
    "gate_report": "deployment",
    "deployment": "deployment",
    "compliance_report": "security",
    "operations_report": "operations",
}
# There is one of each a run, and its artifact is called by its kind: the day tells them apart.
UNNAMED: Final = frozenset({"capacity_plan", "gate_report", "operations_report", "compliance_report", "curation_trace"})


@dataclass(frozen=True)
class Named:
    """A node's name, a second line, and the page where it is looked at (empty where there is none)."""

    title: str
    detail: str = ""
    address: str = ""


def names_of(keys: Iterable[Key], principal: Principal) -> dict[Key, Named]:
    """Names of all ``keys``; what has no row any more is called by its kind alone."""
    by_kind: dict[str, list[UUID]] = {}
    for kind, identifier in keys:
        by_kind.setdefault(kind, []).append(identifier)
    found: dict[Key, Named] = {}
    for kind, ids in by_kind.items():
        namer = NAMERS.get(kind, _artifacts)
        found |= {(kind, identifier): named for identifier, named in namer(kind, ids, principal).items()}
    return found


def _artifacts(kind: str, ids: Sequence[UUID], principal: Principal) -> dict[UUID, Named]:
    rows = Artifact.objects.filter(id__in=ids).select_related("run")
    return {
        row.id: Named(
            _day(row.created_at) if kind in UNNAMED else row.name, _day(row.created_at), _stage_page(row, kind)
        )
        for row in rows
    }


def _stage_page(row: Artifact, kind: str) -> str:
    if row.run is None or row.run.solution_id is None or kind not in STAGE_OF:
        return ""
    return f"{reverse('stage', args=[row.run.solution_id, STAGE_OF[kind]])}?run={row.run_id}"


def _documents(kind: str, ids: Sequence[UUID], principal: Principal) -> dict[UUID, Named]:
    rows = Document.objects.filter(id__in=ids).select_related("collection")
    return {row.id: Named(row.name, row.collection.name, address("document", row.id)) for row in rows}


def _versions(kind: str, ids: Sequence[UUID], principal: Principal) -> dict[UUID, Named]:
    rows = DocumentVersion.objects.filter(id__in=ids).select_related("document")
    return {
        row.id: Named(
            row.title or row.document.name,
            row.label,
            address("document", row.document_id, query=f"?version={row.id}"),
        )
        for row in rows
    }


def _chunks(kind: str, ids: Sequence[UUID], principal: Principal) -> dict[UUID, Named]:
    rows = Chunk.objects.filter(id__in=ids).select_related("version").only(
        "id", "locator", "text", "page", "ordinal", "spans", "version__id", "version__document_id"
    )  # fmt: skip
    return {row.id: _chunk(row) for row in rows}


def _chunk(row: Chunk) -> Named:
    block = row.spans[0][2] if row.spans else None
    query = f"?version={row.version_id}" + (f"&page={row.page}" if row.page else "")
    query += "" if block is None else f"&block={block}"
    place = row.locator or (_("page %(page)s") % {"page": row.page} if row.page else f"#{row.ordinal + 1}")
    return Named(_short(row.text), place, address("document", row.version.document_id, query=query))


def _solutions(kind: str, ids: Sequence[UUID], principal: Principal) -> dict[UUID, Named]:
    rows = Solution.objects.filter(id__in=ids)
    return {row.id: Named(row.name, "", address("solution", row.id)) for row in rows}


def _datasets(kind: str, ids: Sequence[UUID], principal: Principal) -> dict[UUID, Named]:
    pages = _artifacts(kind, ids, principal)
    rows = DatasetVersion.objects.filter(id__in=ids)
    return pages | {row.id: _dataset(row, pages.get(row.id)) for row in rows}


def _dataset(row: DatasetVersion, artifact: Named | None) -> Named:
    count = row.counts.get("train", 0) + row.counts.get("eval", 0)
    title = _("Version %(number)s, %(count)s samples") % {"number": row.number, "count": count}
    return Named(title, _day(row.created_at), artifact.address if artifact else "")


def _bundles(kind: str, ids: Sequence[UUID], principal: Principal) -> dict[UUID, Named]:
    rows = Bundle.objects.filter(id__in=ids)
    names = dict(Solution.objects.filter(id__in=[row.solution_id for row in rows]).values_list("id", "name"))
    return {
        row.id: Named(
            _("Bundle %(number)s") % {"number": row.number},
            names.get(row.solution_id, ""),
            reverse("stage", args=[row.solution_id, "deployment"]),
        )
        for row in rows
    }


def _deployments(kind: str, ids: Sequence[UUID], principal: Principal) -> dict[UUID, Named]:
    rows = Deployment.objects.filter(id__in=ids).select_related("bundle")
    return {
        row.id: Named(
            _("Bundle %(number)s, live") % {"number": row.bundle.number},
            _day(row.approved_at),
            reverse("stage", args=[row.solution_id, "deployment"]),
        )
        for row in rows
    }


def _answers(kind: str, ids: Sequence[UUID], principal: Principal) -> dict[UUID, Named]:
    """Questions only for those who watch over answers, and of those only what they may read; one's own always."""
    may = allowed(principal, "trace.view")
    rows = trace_rows(Trace.objects.filter(id__in=ids), principal)
    own = set(Trace.objects.filter(id__in=ids, user_id=principal.user_id).values_list("id", flat=True))
    return {
        row.id: Named(
            _short(row.question) if row.question and (may or row.id in own) else _("An answer"),
            date_format(localtime(row.at), "m-d H:i"),
            address("trace", row.id) if may else "",
        )
        for row in rows
    }


Namer = Callable[[str, Sequence[UUID], Principal], dict[UUID, Named]]
NAMERS: Final[dict[str, Namer]] = {
    "document": _documents,
    "document_version": _versions,
    "chunk": _chunks,
    "solution": _solutions,
    "dataset_version": _datasets,
    "bundle": _bundles,
    "deployment": _deployments,
    "answer": _answers,
}


def address(route: str, *arguments: object, query: str = "") -> str:
    """The address of a page of another area; empty where there is none."""
    try:
        return reverse(route, args=list(arguments)) + query
    except NoReverseMatch:
        return ""


def _day(at: object) -> str:
    return date_format(localtime(at), "Y-m-d H:i")  # type: ignore[arg-type]  # a column that is never null


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]}…"
