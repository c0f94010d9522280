"""What the lab calls rerankers, and the features by which the built-in one decides."""

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from liaoyuan.knowledge.rerankers import FUSION, NONE

RERANKERS: Final[dict[str, Any]] = {FUSION: _("Learned fusion (built in)"), NONE: _("Reciprocal ranks only")}
FEATURES: Final[dict[str, Any]] = {
    "cosine": _("near in meaning"),
    "fusion": _("both rankings"),
    "bm25": _("words in common"),
    "coverage": _("words covered"),
    "characters": _("characters covered"),
    "sentence": _("best sentence"),
    "heading": _("words in the heading"),
    "title": _("words in the title"),
    "kind": _("kind of answer"),
    "unit": _("unit of the amount"),
    "numbers": _("the question's numbers"),
    "length": _("length"),
    "sanction": _("a sanction"),
    "forbidden": _("a prohibition"),
    "definition": _("a definition"),
}
