"""The same terms looked for in one text after another: what ranking does a thousand times a question."""

from collections.abc import Container, Iterable, Mapping, Sequence

from liaoyuan.knowledge.text.segment import _HAN_START, _stem_counts


class TermFinder:
    """Looks for the same terms, each under any of its names, in one text after another.

    Texts come folded (:func:`normalise`); results are in the order of the terms.
    """

    __slots__ = ("_names", "_stems")

    def __init__(self, names: Iterable[tuple[str, Sequence[str]]]) -> None:
        split = [
            (
                term,
                tuple(name for name in listed if name[0] >= _HAN_START),
                tuple(name for name in listed if name[0] < _HAN_START),
            )
            for term, listed in names
        ]
        self._names = split
        self._stems = any(latin for _, _, latin in split)

    def counts(self, folded: str) -> dict[str, int]:
        """How often each term occurs; absent ones are left out."""
        stems = _stem_counts(folded) if self._stems else {}
        found = {}
        for term, han, latin in self._names:
            count = 0
            for name in han:
                # Most are absent, and ``in`` says so faster.
                if name in folded:
                    count += folded.count(name)
            for name in latin:
                count += stems.get(name, 0)
            if count:
                found[term] = count
        return found

    def within(self, folded: str) -> list[str]:
        """The terms that occur."""
        if not self._stems:
            return [term for term, han, _ in self._names if _any_in(han, folded)]
        stems = _stem_counts(folded)
        return [term for term, han, latin in self._names if _any_in(han, folded) or _any_in(latin, stems)]

    def folds(self, text: str, found: Mapping[str, int]) -> bool:
        """Whether the parts of ``text`` must be folded before a look into them: not where the text as it is shows
        what its folded form showed (``found``), which for Han terms is the rule."""
        return self._stems or self.counts(text) != found

    def narrowed(self, found: Container[str]) -> "TermFinder":
        """For the parts of a text in which ``found`` was found: a Han term that is not among them is in no part."""
        few = TermFinder(())
        few._names = [each for each in self._names if each[2] or each[0] in found]
        few._stems = self._stems and any(each[2] for each in few._names)
        return few


def _any_in(names: Sequence[str], where: Container[str]) -> bool:
    # A loop, since a generator costs more than the one or two looks.
    for name in names:  # noqa: SIM110
        if name in where:
            return True
    return False
