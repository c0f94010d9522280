"""Word lists of the name finders: what is a surname, what is common in given names, what is an ordinary word."""

from functools import cache
from pathlib import Path

import jieba

NAMES = Path(__file__).parent / "names"
# Tags of jieba's dictionary that mark names of people; every other entry is an ordinary word.
PERSON_TAGS = frozenset({"nr", "nrt", "nrfg"})
FUNCTION_CHARACTERS = frozenset(
    "昨今上下午前后次每某这那些个我你他她它们的了是在和与及或被把给让对从向到于因由等各该其此已曾将未不没无会要"
    "应须需能者什么怎吗呢吧啊都也还又再"
    "就只最很太更诉称说请做打见用位号元岁月年点分万千百亿个只名种类项条款第师院室科病症痛药费电话机站线压器表票"
    "证件单局部厂校班"
)
VERB_TAGS = frozenset({"v", "vd", "d", "p", "c", "ad"})
COMMON_SURNAMES = 110
COMMON_GIVEN = 330
MIN_WORD_COUNT = 3
MIN_VERB_COUNT = 200


def lines(name: str) -> list[str]:
    """The lines of a list under `names/`, without comments."""
    content = (NAMES / name).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in content if line.strip() and not line.startswith("#")]


@cache
def surnames() -> dict[str, float]:
    """Surname -> weight; the hundred commonest stand for nine people in ten."""
    single, compound = lines("surnames.txt")
    weights = {surname: 1.0 if rank < COMMON_SURNAMES else 0.1 for rank, surname in reversed(list(enumerate(single)))}
    weights.update({compound[index : index + 2]: 1.6 for index in range(0, len(compound), 2)})
    return weights


@cache
def given_characters() -> dict[str, float]:
    """Character -> how well it fits a given name."""
    characters = dict.fromkeys("".join(lines("given.txt")))
    return {letter: 1.0 if rank < COMMON_GIVEN else 0.5 for rank, letter in enumerate(characters)}


def fit(letter: str) -> float:
    """How well one character fits a given name: common ones 1, rare ones below 0, function words far below."""
    return given_characters().get(letter, -3.0 if letter in FUNCTION_CHARACTERS else -0.9)


@cache
def never_names() -> frozenset[str]:
    """Words that look like a name and are none, kept by hand."""
    return frozenset(word for line in lines("words.txt") for word in line.split())


@cache
def dictionary() -> dict[str, bool]:
    """Ordinary Chinese words of two to four characters -> whether they can never be part of a proper name.

    Read from the dictionary that the segmenter ships; personal names in it are left out.
    """
    words: dict[str, bool] = {}
    with jieba.get_dict_file() as source:
        for raw in source:
            word, count, tag = raw.decode("utf-8").split(" ")[:3]
            if 2 <= len(word) <= 4 and tag.strip() not in PERSON_TAGS and int(count) >= MIN_WORD_COUNT:
                words[word] = tag.strip() in VERB_TAGS and int(count) >= MIN_VERB_COUNT
    return words


def is_verb(text: str) -> bool:
    """Whether `text` is a common verb, adverb, preposition or conjunction."""
    return dictionary().get(text, False)


def is_word(text: str) -> bool:
    """Whether `text` is an ordinary word."""
    return text in never_names() or text in dictionary()


@cache
def english(name: str) -> frozenset[str]:
    """Lower-cased entries of an English list, separated by blanks."""
    return frozenset(word for line in lines(name) for word in line.lower().split())
