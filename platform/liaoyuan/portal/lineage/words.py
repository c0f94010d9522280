"""What the kinds of artifacts and their relations are called."""

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

KINDS: Final[dict[str, Any]] = {
    "document": _("Document"),
    "document_version": _("Document version"),
    "chunk": _("Passage"),
    "solution": _("Solution"),
    "capacity_plan": _("Capacity plan"),
    "dataset_version": _("Dataset"),
    "curation_trace": _("Curation trace"),
    "base_model": _("Base model"),
    "model_version": _("Model"),
    "training_report": _("Training report"),
    "bundle": _("Bundle"),
    "gate_report": _("Gate report"),
    "deployment": _("Deployment"),
    "compliance_report": _("Compliance report"),
    "operations_report": _("Operations report"),
    "answer": _("Answer"),
}
KIND_ICONS: Final[dict[str, str]] = {
    "document": "file-text",
    "document_version": "file-clock",
    "chunk": "text-quote",
    "solution": "layers",
    "capacity_plan": "cpu",
    "dataset_version": "database",
    "curation_trace": "funnel",
    "base_model": "box",
    "model_version": "brain-circuit",
    "training_report": "chart-line",
    "bundle": "package",
    "gate_report": "clipboard-check",
    "deployment": "rocket",
    "compliance_report": "shield-check",
    "operations_report": "activity",
    "answer": "message-square-text",
}
OTHER_ICON: Final = "circle-dot"
RELATIONS: Final[dict[str, Any]] = {
    "version_of": _("has the version"),
    "chunk_of": _("holds"),
    "curated_from": _("was curated into"),
    "explains": _("is explained by"),
    "trained_on": _("taught"),
    "adapts": _("was adapted into"),
    "serves": _("is part of"),
    "measures": _("was measured by"),
    "deploys": _("went live as"),
    "proves": _("was proven by"),
    "observes": _("was observed by"),
    "planned_for": _("was planned by"),
    "answered_by": _("gave"),
    "cited_by": _("is cited by"),
    "derived_from": _("led to"),
}
