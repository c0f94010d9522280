"""Learn the weights of the reranker and of abstention from question sets over collections that are indexed already.

    manage.py knowledge import --organization bench --collection laws …       (once for each set)
    python -m benchmarks.knowledge_fit --organization bench laws=a.jsonl laws=more.jsonl packs=gate.jsonl [--write]

A collection may be named with several files. Of the sets ``held_*`` and ``kind_*`` only the halves ``_a``
teach; the halves ``_b`` are for measuring alone. Each line of a set is {id, question, evidence, answerable}, as for
``manage.py knowledge evaluate``. Every collection is also asked the first questions of the other sets, which it must
not answer. Printed first: what weights learned on the other sets do on each one (leave one collection out).
``--write`` stores the weights learned on all of them beside the code that reads them.
"""

import argparse
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.asking.start import ROOT, django_start

WEIGHTS = ROOT / "platform" / "liaoyuan" / "knowledge" / "weights"
# Signs that common sense fixes: a missing unit never speaks for an answer, coverage never against one.
AGAINST = frozenset({"unknown", "no_unit", "entity", "number", "focus", "amount", "apart"})
STRANGE_QUESTIONS = 4
THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5)
# What each sort of question counts in sum. Those of another trade are easy, and of those that lack their place some
# are answered by a like rule elsewhere.
ANSWERABLE, UNANSWERABLE, STRANGE, LACKING, GATED = "answerable", "unanswerable", "strange", "lacking", "gated"
COUNTS = {ANSWERABLE: 1.0, UNANSWERABLE: 0.8, STRANGE: 0.4, LACKING: 0.03, GATED: 0.5}
# What questions of a collection named with --light count of that: near misses in the passages' own words beside
# answers in others' teach that known words speak against an answer.
LIGHT = {ANSWERABLE: 0.3, UNANSWERABLE: 0.0}
# English questions are few, and Chinese ones help; the other way round they do not.
OTHER_LANGUAGE = {"zh": 0.0, "en": 0.15}
LANGUAGES = ("zh", "en")
SENTENCES, SENTENCE_WEIGHTS = "sentences", range(61)
EVERYDAY, EVERYDAY_WEIGHTS = "everyday", np.arange(0, 8.5, 0.5)

Array = NDArray[np.float64]


@dataclass
class Sample:
    """What one collection taught: ranking tables with gold marks, and abstention features with the sort of question."""

    name: str
    light: bool = False
    tables: list[tuple[Array, NDArray[np.bool_]]] = field(default_factory=list)
    # The few best by the fusion: its scores, the cosines of their nearest sentences, and which of them are right.
    best: list[tuple[Array, Array, NDArray[np.bool_]]] = field(default_factory=list)
    # All that was found: the scores without everyday words, what these add, and which are right.
    said: list[tuple[Array, Array, NDArray[np.bool_]]] = field(default_factory=list)
    features: list[list[float]] = field(default_factory=list)
    sorts: list[str] = field(default_factory=list)
    chinese: list[bool] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--organization", required=True)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--light", nargs="*", default=(), metavar="COLLECTION", help="whose near misses do not teach")
    parser.add_argument("--vectors", type=Path, help="questions as the model reads those that it did not learn from")
    parts = ("rank", EVERYDAY, SENTENCES, *LANGUAGES)
    parser.add_argument("--learn", nargs="+", choices=parts, default=parts)
    parser.add_argument("--thresholds", type=float, nargs=2, metavar=("ZH", "EN"), default=(0.4, 0.4))
    parser.add_argument("sets", nargs="+", metavar="COLLECTION=FILE")
    options = parser.parse_args(arguments)
    django_start()
    files: dict[str, list[Path]] = {}
    for name, _, file in (item.partition("=") for item in options.sets):
        files.setdefault(name, []).append(Path(file))
    samples = collect(options.organization, files, vectors_read(options.vectors))
    for sample in samples:
        sample.light = sample.name in options.light
    report_left_out(samples, options.learn)
    ranking = fit_ranking(samples) if "rank" in options.learn else None
    abstention = {language: fit_both(samples, language) for language in LANGUAGES if language in options.learn}
    sentence = fit_sentences(samples) if SENTENCES in options.learn else None
    everyday = fit_everyday(samples) if EVERYDAY in options.learn else None
    for name, weight in ((SENTENCES, sentence), (EVERYDAY, everyday)):
        if weight is not None:
            print(f"{name}: a difference of 1 counts {weight:.1f} log odds")
    if options.write:
        write(
            ranking,
            {"likeness": sentence, "everyday": everyday},
            abstention,
            dict(zip(LANGUAGES, options.thresholds, strict=True)),
            ", ".join(map(_short, options.sets)),
        )


def vectors_read(path: Path | None) -> dict[str, NDArray[np.float32]]:
    """What ``python -m benchmarks.asking --unseen`` kept, by question."""
    if path is None:
        return {}
    with np.load(path, allow_pickle=False) as stored:
        return dict(zip(map(str, stored["texts"]), stored["vectors"], strict=True))


def collect(
    organization_name: str, files: dict[str, list[Path]], vectors: Mapping[str, NDArray[np.float32]]
) -> list[Sample]:
    """Ask every collection its own questions and some of the others'; by ``vectors`` where these know the question."""
    from liaoyuan.accounts.selectors import organization_by_name
    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.knowledge.evaluate import questions_read
    from liaoyuan.knowledge.selectors import collection_by_name

    organization = organization_by_name(organization_name)
    sets = {name: [item for file in listed for item in questions_read(file)] for name, listed in files.items()}
    gated = {
        item.question
        for listed in files.values()
        for file in listed
        if file.stem == "gate"
        for item in questions_read(file)
    }
    samples = []
    for name, own in sets.items():
        sample = Sample(name)
        strange = [item for other, items in sets.items() if other != name for item in items[:STRANGE_QUESTIONS]]
        with tenant_context(organization.id):
            collection = collection_by_name(name)
            for item in own:
                sort = ANSWERABLE if item.answerable else GATED if item.question in gated else UNANSWERABLE
                _learn(sample, collection.id, item, sort, vectors.get(item.question))
            for item in strange:
                _learn(sample, collection.id, item, STRANGE, vectors.get(item.question))
        samples.append(sample)
    return samples


def _learn(sample: Sample, collection_id: Any, item: Any, sort: str, vector: NDArray[np.float32] | None) -> None:
    from liaoyuan.knowledge import learning, rank
    from liaoyuan.knowledge.nearness import PATIENCE_MEASURING
    from liaoyuan.knowledge.retrieve import retrieve

    found = retrieve(collection_id, item.question, vector=vector, patience=PATIENCE_MEASURING)
    if not found.question.words or not found.ranked:
        return
    _note(sample, found, found.ranked, sort)
    if sort != ANSWERABLE:
        return
    taught = learning.sample_of(item, found.ranked, rank.Legs(), approved=True)
    if taught.right.any():
        sample.tables.append((taught.table, taught.right))
        near = [place for place, item in enumerate(found.ranked) if rank.LIKENESS in item.features]
        scores = np.array([rank.fused(found.ranked[place].features) for place in near])
        likeness = np.array([found.ranked[place].features[rank.LIKENESS] for place in near])
        sample.best.append((scores, likeness, taught.right[near]))
        sample.said.append(_without_everyday(taught.table, taught.right))
        _note(sample, found, [each for each, hit in zip(found.ranked, taught.right, strict=True) if not hit], LACKING)


def _without_everyday(table: Array, right: NDArray[np.bool_]) -> tuple[Array, Array, NDArray[np.bool_]]:
    from liaoyuan.knowledge import rank

    added = table[:, rank.FEATURES.index(EVERYDAY)]
    stock = np.array([rank.stock_weights()[name] for name in rank.FEATURES])
    return table @ stock - added * rank.stock_weights()[EVERYDAY], added, right


def _note(sample: Sample, found: Any, ranked: Sequence[Any], sort: str) -> None:
    from liaoyuan.knowledge import abstain

    if ranked:
        values = abstain.features(found.question, ranked, found.statistics)
        sample.features.append([values[name] for name in abstain.FEATURES])
        sample.sorts.append(sort)
        sample.chinese.append(found.question.chinese)


def fit_ranking(samples: Sequence[Sample], steps: int = 800, rate: float = 0.05, ridge: float = 0.002) -> Array:
    """Listwise softmax: the summed probability of the gold chunks, from the stored weights on, which hold where data is
    silent; weights stay at or above 0."""
    from liaoyuan.knowledge import rank
    from liaoyuan.knowledge.learning import climb

    lists = [found for sample in samples for found in sample.tables]
    longest = max(len(table) for table, _ in lists)
    tables = np.zeros((len(lists), longest, len(rank.FEATURES)))
    gold, absent = np.zeros((len(lists), longest)), np.full((len(lists), longest), -np.inf)
    for place, (table, right) in enumerate(lists):
        tables[place, : len(table)], gold[place, : len(table)], absent[place, : len(table)] = table, right, 0.0
    start = np.array([rank.stock_weights()[name] for name in rank.FEATURES])

    def slope(weights: Array) -> Array:
        scores = tables @ weights + absent
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        right = odds * gold
        pulled = right / right.sum(axis=1, keepdims=True) - odds / odds.sum(axis=1, keepdims=True)
        return np.asarray(np.einsum("ql,qlf->f", pulled, tables) / len(lists) - ridge * (weights - start))

    return climb(slope, start, steps=steps, rate=rate)


def fit_sentences(samples: Sequence[Sample]) -> float:
    """What the cosine of the nearest sentence counts beside the fusion."""
    return _least([each for sample in samples for each in sample.best if each[2].any()], SENTENCE_WEIGHTS)


def fit_everyday(samples: Sequence[Sample]) -> float:
    """What it counts that a passage says everyday words in the documents' own, beside all other features."""
    return _least([each for sample in samples for each in sample.said if each[2].any()], EVERYDAY_WEIGHTS)


def _least(best: Sequence[tuple[Array, Array, NDArray[np.bool_]]], weights: Iterable[float]) -> float:
    """The least weight that makes the right passages as likely as the likeliest does, within one standard error."""
    listed = list(weights)
    told = np.array([[_likelihood(each, weight) for weight in listed] for each in best])
    behind = told[:, [told.mean(0).argmax()]] - told
    within = behind.mean(0) <= behind.std(0) / np.sqrt(len(best))
    return float(listed[int(np.argmax(within))])


def _likelihood(best: tuple[Array, Array, NDArray[np.bool_]], weight: float) -> float:
    scores, likeness, right = best
    odds = np.exp(scores - scores.max() + weight * (likeness - likeness.max()))
    return float(np.log(odds[right].sum() / odds.sum()))


def fit_both(samples: Sequence[Sample], language: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The judgement with the sentences compared, and without."""
    from liaoyuan.knowledge.abstain import BY_SENTENCES

    return fit_abstention(samples, language), fit_abstention(samples, language, BY_SENTENCES)


def fit_abstention(samples: Sequence[Sample], language: str, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The judgement, which must do ``without`` some features."""
    from benchmarks.asking.judge import judgement_fit
    from liaoyuan.knowledge.abstain import FEATURES

    features = np.array([row for sample in samples for row in sample.features])
    sorts = np.array([sort for sample in samples for sort in sample.sorts])
    chinese = np.array([flag for sample in samples for flag in sample.chinese])
    light = np.array([sample.light for sample in samples for _ in sample.sorts])
    share = np.where(chinese == (language == "zh"), 1.0, OTHER_LANGUAGE[language])
    for sort, count in LIGHT.items():
        share[light & (sorts == sort)] *= count
    # A sort that is missing counts nothing; the language's own rows decide what the others count in sum.
    for sort, count in COUNTS.items():
        share[sorts == sort] *= count / max(1.0, share[sorts == sort].sum())
    signs = [0 if name in without else -1 if name in AGAINST else 1 for name in FEATURES]
    return judgement_fit(features, sorts == ANSWERABLE, share, signs)


def report_left_out(samples: Sequence[Sample], learned: Sequence[str]) -> None:
    """Each collection measured with weights that never saw it."""
    for sample in samples:
        others = [other for other in samples if other is not sample] or [sample]
        if "rank" in learned and sample.tables:
            ranking = fit_ranking(others)
            places = [int(np.argmax(gold[np.argsort(-(table @ ranking))])) for table, gold in sample.tables]
            print(sample.name, {f"hit@{k}": round(float(np.mean([place < k for place in places])), 3) for k in (1, 5)})
        features, sorts = np.array(sample.features), np.array(sample.sorts)
        for language in LANGUAGES:
            own = np.array(sample.chinese) == (language == "zh")
            if language in learned and own.any():
                _report(
                    sample.name, language, _probability(features[own], fit_abstention(others, language)), sorts[own]
                )


def _report(name: str, language: str, probability: Array, sorts: NDArray[np.str_]) -> None:
    for threshold in THRESHOLDS:
        refused = probability < threshold
        rates = {sort: round(float(refused[sorts == sort].mean()), 3) for sort in COUNTS if (sorts == sort).any()}
        print(name, language, threshold, "refused of the", rates)


def _probability(features: Array, model: Mapping[str, Any]) -> Array:
    from liaoyuan.knowledge.abstain import FEATURES, model_read

    judge = model_read(model, threshold=0.0)
    return np.array([judge.probability(dict(zip(FEATURES, row, strict=True))) for row in features])


def write(
    ranking: Array | None,
    single: Mapping[str, float | None],
    abstention: dict[str, tuple[dict[str, Any], dict[str, Any]]],
    thresholds: dict[str, float],
    sources: str,
) -> None:
    """Store the models as JSON."""
    from liaoyuan.knowledge import abstain, rank

    learned = {name: weight for name, weight in single.items() if weight is not None}
    if ranking is not None or learned:
        stored = json.loads((WEIGHTS / "rank.json").read_text(encoding="utf-8"))
        stored["weights"] |= {} if ranking is None else _named(rank.FEATURES, ranking)
        stored["weights"] |= learned
        _store("rank.json", stored if ranking is None else stored | {"learned_on": sources})
    for language, models in abstention.items():
        named = {"features": list(abstain.FEATURES), "threshold": thresholds[language]}
        whole, plain = (named | model for model in models)
        _store(f"abstain_{language}.json", whole | {"without_sentences": plain, "learned_on": sources})


def _store(name: str, model: dict[str, Any]) -> None:
    text = json.dumps(model, indent=1, ensure_ascii=False)
    # A row of numbers is one line.
    text = re.sub(r"\[[-\d.,\se]+\]", lambda found: " ".join(found.group().split()), text)
    (WEIGHTS / name).write_text(text + "\n", encoding="utf-8")


def _short(item: str) -> str:
    name, _, file = item.partition("=")
    return f"{name}={Path(file).stem}"


def _named(names: Sequence[str], values: Array) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in zip(names, values, strict=True)}


if __name__ == "__main__":
    main()
