"""``manage.py knowledge explain``: one question, taken apart."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from liaoyuan.knowledge.explain import explain
from liaoyuan.knowledge.retrieve import retrieval_settings
from liaoyuan.knowledge.selectors import collection_by_name
from liaoyuan.knowledge.settings import RetrievalSettings


def explain_arguments(parser: ArgumentParser) -> None:
    """What may be said besides the collection."""
    parser.add_argument("question")
    parser.add_argument("--day", type=date.fromisoformat, help="as of this date (default: today)")
    parser.add_argument("--candidates", type=int, help="how many each search hands on")
    parser.add_argument("--vector-weight", type=float, help="what the search by meaning counts")
    parser.add_argument("--lexical-weight", type=float, help="what the search by words counts")
    parser.add_argument("--reranker", help="fusion, none, or a configured cross-encoder")


def question_explain(options: dict[str, Any]) -> dict[str, Any]:
    """Inside the tenant context. The collection's own settings, but for what is given."""
    collection = collection_by_name(options["collection"])
    names = ("candidates", "vector_weight", "lexical_weight", "reranker")
    given = {name: options[name] for name in names if options[name] is not None}
    settings = RetrievalSettings.model_validate(retrieval_settings(collection.id).model_dump() | given)
    return explain(collection.id, options["question"], day=options["day"], settings=settings).as_dict()
