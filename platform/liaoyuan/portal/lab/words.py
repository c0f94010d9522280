"""What the lab calls rerankers."""

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from liaoyuan.knowledge.rerankers import FUSION, NONE

RERANKERS: Final[dict[str, Any]] = {FUSION: _("Learned fusion (built in)"), NONE: _("Reciprocal ranks only")}
