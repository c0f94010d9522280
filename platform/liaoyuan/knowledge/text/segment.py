"""Words for search: jieba with character bigrams for Chinese, snowball stems for English."""

import itertools
import logging
import os
import re
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from operator import add
from pathlib import Path
from typing import IO, Protocol, cast

import jieba
import rjieba
import snowballstemmer

from liaoyuan.knowledge.text.normalise import normalise
from liaoyuan.knowledge.text.stopwords import CHINESE, ENGLISH, QUESTION

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
# Han characters count as letters too: a Latin run must stop before them, or "2026年的..." stays one uncut word.
_RUN = re.compile(f"(?P<han>[{_HAN}]+)|(?P<word>[^\\W_{_HAN}]+(?:[-.'/][^\\W_{_HAN}]+)*)")
_HAN_START = "\u3400"
_LONGEST_TERM = 64
_AT_HAND = 1024
# What a guess at an unknown word takes along: auxiliaries, question words, prepositions, numbers of an asking phrase.
_PARTICLES = frozenset(
    "不能要会得可应该须就才都也还再被把给让由向在对是有没了的地着过吗呢吧啊几多怎哪谁么这那之与和或及"
)
_lock = threading.Lock()

# In jieba's dictionary: word, frequency, part of speech. Nouns and names are n…, j, l, i, b, s.
_DOING = re.compile(rb"^(\S{6,12}) \d+ (?:v(?!n)|a(?!n)|d|c|p|r|t|f|m|z|y|q|u|o|e)\S*$", re.MULTILINE)
_NAME = re.compile(rb"^(\S{6,12}) \d+ n(?:r|s|t|z)\S*$", re.MULTILINE)
_ASKING = re.compile(
    r"([\u4e00-\u9fff])不\1(?:可以|能够|得了)?|有没有|可不可以|应不应该|需不需要|由?谁来|由谁|多少(?:人|个|天|年|次|钱|元|岁|度|倍)?"
    r"|几(?:个工作日|个月|个人|天|年|次|个|名|人|岁|倍|级|点|位|项|种|类|条|家|部)|什么(?:样|时候|情况|情形)?|怎么(?:样|办|罚|处理)?|哪(?:些|个|种|几个?|里|类|一?级|家|位)?"
)


class _Tokenizer(Protocol):
    FREQ: dict[str, int]

    def get_dict_file(self) -> IO[bytes]: ...

    def cut(self, sentence: str) -> Iterator[str]: ...


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...  # noqa: N802 - the library's spelling


def _private_folder() -> Path:
    """A cache folder of this user alone (0700)."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "liaoyuan"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError:  # a read-only home: a fresh folder, at the price of building the dictionary anew
        return Path(tempfile.mkdtemp(prefix="liaoyuan-jieba-"))
    return folder


@lru_cache(maxsize=1)
def _tokenizer() -> _Tokenizer:
    # jieba announces its dictionary on stderr at DEBUG, which would spoil `--json` commands.
    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    # jieba reads its cache back with marshal: it must lie where nobody else can write, never in the shared /tmp.
    tokenizer.tmp_dir = str(_private_folder())
    with _lock:
        tokenizer.initialize()
    return cast("_Tokenizer", tokenizer)


@lru_cache(maxsize=1)
def _stemmer() -> _Stemmer:
    return cast("_Stemmer", snowballstemmer.stemmer("english"))


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The English stem of one lower-case word; words with digits stay as they are."""
    return word if any(character.isdigit() for character in word) else _stemmer().stemWord(word)


def _runs(text: str) -> Iterator[tuple[bool, str]]:
    for match in _RUN.finditer(normalise(text)):
        yield match.lastgroup == "han", match.group()


@lru_cache(maxsize=16_384)
def _cut(run: str) -> tuple[str, ...]:
    """jieba's words of a run of Han characters. Titles and headings come again with every chunk below them."""
    return tuple([word for word in rjieba.cut_for_search(run) if len(word) > 1 and word not in CHINESE])


def words(text: str) -> list[str]:
    """Content words in reading order with repeats: jieba's words of two characters and more, and English stems."""
    return _words(_runs(text))


def _words(runs: Iterable[tuple[bool, str]]) -> list[str]:
    found: list[str] = []
    for is_han, run in runs:
        if is_han:
            found.extend(_cut(run))
        elif run not in ENGLISH:
            found.append(stem(run)[:_LONGEST_TERM])
    return found


def bigrams(text: str) -> list[str]:
    """Overlapping pairs of Han characters, which forgive a wrong cut between words."""
    return _bigrams(_runs(text))


def _bigrams(runs: Iterable[tuple[bool, str]]) -> list[str]:
    pairs = [map(add, run, run[1:]) for is_han, run in runs if is_han]
    return [pair for pair in itertools.chain.from_iterable(pairs) if pair not in CHINESE]


def index_terms(text: str) -> list[str]:
    """Everything a chunk can be found by, with repeats (their number is the term frequency).

    A word of two Han characters is its own bigram; counting it twice weighs real words above chance pairs.
    """
    return list(_index_terms(text))


@lru_cache(maxsize=_AT_HAND)
def _index_terms(text: str) -> tuple[str, ...]:
    runs = list(_runs(text))
    return (*_words(runs), *_bigrams(runs))


@contextmanager
def terms_ahead(texts: Iterable[str]) -> Iterator[None]:
    """Find the terms of ``texts`` beside what is done inside, which waits for somebody else: an embedding engine.

    ``index_terms`` has those of the first thousand texts at hand afterwards.
    """
    kept = list(itertools.islice(texts, _AT_HAND))
    thread = threading.Thread(target=lambda: [_index_terms(text) for text in kept], name="terms", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def question_words(question: str) -> list[str]:
    """The distinct words of a question that evidence must speak about: no "what", "how", "whether", no courtesy."""
    # Marks in the asking phrase's place: 多少人才算数 speaks of no 人才, 要不要配 of no 不要.
    found = (_core(word) for word in words(_ASKING.sub("，", normalise(question))))
    return list(dict.fromkeys(word for word in found if len(word) > 1 and word not in QUESTION))


def _core(word: str) -> str:
    """A guessed word without the particles that it swallowed: 卫健委要 is 卫健委. Dictionary words stay whole."""
    if word[0] < _HAN_START:
        return word
    known = _tokenizer().FREQ
    while len(word) > 1 and not known.get(word):
        if word[:2] in QUESTION:
            word = word[2:]
        elif word[-1] in _PARTICLES:
            word = word[:-1]
        elif word[0] in _PARTICLES:
            word = word[1:]
        else:
            break
    return word


@lru_cache(maxsize=1)
def _doings() -> frozenset[str]:
    """Chinese words that say what is done, when or how (verbs, adverbs, times, pronouns), by jieba's dictionary."""
    with _tokenizer().get_dict_file() as file:
        return frozenset(word.decode() for word in _DOING.findall(file.read()))


@lru_cache(maxsize=4096)
def names_a_thing(word: str) -> bool:
    """Whether a question's word names what it is about (食堂, 津贴) and not what happens to it (核对, 交上去, 事后).

    People say what happens in many words and call things by few. Unknown words are names. In English every word is.
    """
    return word[0] < _HAN_START or word not in _doings()


@lru_cache(maxsize=1)
def _proper() -> frozenset[str]:
    """Chinese names of persons, places, bodies and things, by jieba's dictionary."""
    with _tokenizer().get_dict_file() as file:
        return frozenset(word.decode() for word in _NAME.findall(file.read()))


def sounds_like_a_name(run: str) -> bool:
    """Whether a run of Han characters before a word for a body (公司, 医院) names it: 华能, and not 手机游戏 or 已经把.

    A name is no common word: its parts are names or unknown, and nothing in it says what is done.
    """
    parts = [part for part in _tokenizer().cut(run) if part]
    if any(part in _PARTICLES or part in _doings() or part in CHINESE or part in QUESTION for part in parts):
        return False
    known = _tokenizer().FREQ
    return any(part in _proper() or not known.get(part) for part in parts if len(part) > 1)


def question_terms(question: str) -> list[str]:
    """The distinct terms to search by: the words of the question, and its bigrams outside the asking phrase."""
    pairs = [pair for pair in bigrams(question) if pair not in QUESTION]
    return list(dict.fromkeys([*question_words(question), *pairs]))


def term_counts(terms: Iterable[str], text: str) -> dict[str, int]:
    """How often each of ``terms`` occurs in ``text``; absent ones are left out.

    Han terms are counted as substrings, which equals segmenting for our purpose at a fraction of the time; Latin
    ones by stem.
    """
    folded = normalise(text)
    stems: dict[str, int] | None = None
    found: dict[str, int] = {}
    for term in terms:
        if term[0] >= _HAN_START:
            count = folded.count(term)
        else:
            stems = stems if stems is not None else _stem_counts(folded)
            count = stems.get(term, 0)
        if count:
            found[term] = count
    return found


def _stem_counts(folded: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for match in _RUN.finditer(folded):
        if match.lastgroup == "word":
            key = stem(match.group())[:_LONGEST_TERM]
            counts[key] = counts.get(key, 0) + 1
    return counts
