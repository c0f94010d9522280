"""Looking for many terms at once finds what looking for each by itself finds, by whatever short cut."""

from hypothesis import given
from hypothesis import strategies as st

from liaoyuan.knowledge.text.find import TermFinder
from liaoyuan.knowledge.text.normalise import normalise
from liaoyuan.knowledge.text.segment import stem, term_counts

HAN = ["贮存", "废物", "存废", "医疗废物", "不得"]
LATIN = [stem("storage"), stem("wastes")]
# Gaps, breaks, compatibility forms and invisible characters are what folding is for.
TEXT = st.lists(
    st.sampled_from([*"医疗废物贮存不得，。", " ", "\n", "\u200b", "\u2f0d", "\uf900", "Storage ", "waste", "ﬁ", "A.B"])
).map("".join)


@given(TEXT)
def test_counts_are_those_of_each_term_under_all_its_names(text: str) -> None:
    names = {"贮存": ("贮存", "存废"), "废物": ("废物", LATIN[1]), "不得": ("不得",)}
    single = term_counts([*HAN, *LATIN], text)
    wanted = {term: sum(single.get(name, 0) for name in listed) for term, listed in names.items()}
    found = TermFinder(names.items()).counts(normalise(text))
    assert found == {term: count for term, count in wanted.items() if count}


@given(TEXT, TEXT)
def test_parts_hold_what_a_look_at_each_part_alone_shows(first: str, second: str) -> None:
    for terms in (HAN, HAN + LATIN):
        finder = TermFinder((term, (term,)) for term in terms)
        text = f"{first}。{second}"
        found = finder.counts(normalise(text))
        few = finder.narrowed(found)
        for part in (f"{first}。", second):
            looked = normalise(part) if few.folds(text, found) else part
            assert few.within(looked) == [term for term in terms if term in term_counts(terms, part)]
