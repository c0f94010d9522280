"""How long a file should take, learned from this organization's own past files of its format."""

from dataclasses import dataclass
from statistics import median
from typing import Final

from liaoyuan.knowledge.waiting.models import ITEM_DONE, ImportItem

SAMPLE: Final = 100
ENOUGH: Final = 3
# Until there is a past: what documents of the sample packs take on two cores.
FIRST_SECONDS: Final = 4.0
LEAST_SECONDS: Final = 0.02


@dataclass(frozen=True)
class Cost:
    """Seconds of a file: half of what the middle one took, half by its size. One rule alone misses the other half of
    the truth: a scan of ten pages may be smaller than a text of two."""

    middle: float
    a_byte: float

    def seconds(self, size: int) -> float:
        return max(LEAST_SECONDS, (self.middle + self.a_byte * size) / 2)


def cost_of(past: list[tuple[int, float]]) -> Cost | None:
    """From (bytes, seconds) of past files; None where they are too few to tell."""
    if len(past) < ENOUGH:
        return None
    total = sum(size for size, _seconds in past)
    taken = sum(seconds for _size, seconds in past)
    return Cost(median(seconds for _size, seconds in past), taken / max(1, total))


class Costs:
    """Looks a format up once. Call inside the tenant context."""

    def __init__(self) -> None:
        self._known: dict[str, Cost | None] = {}

    def seconds(self, format_: str, size: int) -> float:
        """Expected seconds of a file: by its format, else by all formats, else by a first guess."""
        cost = self._of(format_) or self._of("")
        return cost.seconds(size) if cost else FIRST_SECONDS

    def _of(self, format_: str) -> Cost | None:
        if format_ not in self._known:
            done = ImportItem.objects.filter(state__in=ITEM_DONE).exclude(flags__contains=["unchanged"])
            done = done.filter(format=format_) if format_ else done
            self._known[format_] = cost_of(list(done.order_by("-finished_at").values_list("size", "share")[:SAMPLE]))
        return self._known[format_]


def pace_of(pairs: list[tuple[float, float]]) -> float:
    """How the files of a run really go, as a factor on what was expected; from (expected, taken) of the last ones."""
    expected = sum(each for each, _taken in pairs)
    taken = sum(each for _expected, each in pairs)
    return min(20.0, max(0.05, taken / expected)) if len(pairs) >= ENOUGH and expected else 1.0
