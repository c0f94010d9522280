"""PostgreSQL's ordered-set percentile as a Django aggregate."""

from typing import Any

from django.db.models import Aggregate, FloatField


class Percentile(Aggregate):
    """``percentile_cont(fraction)`` of an expression; None over no row."""

    function = "percentile_cont"
    template = "%(function)s(%(fraction)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()

    def __init__(self, expression: Any, *, fraction: float, **extra: Any) -> None:
        super().__init__(expression, fraction=float(fraction), **extra)
