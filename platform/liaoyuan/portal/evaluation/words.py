"""What metrics, types, causes and findings are called on the evaluation's pages."""

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

METRICS: Final[dict[str, tuple[Any, Any]]] = {
    "recall@1": (_("Found first"), _("The evidence is the first passage found (recall@1).")),
    "recall@5": (_("Found in the first five"), _("The evidence is among the first five passages (recall@5).")),
    "recall@10": (_("Found in the first ten"), _("The evidence is among the first ten passages (recall@10).")),
    "mrr": (_("Mean reciprocal rank"), _("1 where the evidence always comes first, ½ where it comes second (MRR).")),
    "ndcg@10": (_("Order of the first ten"), _("How well all the evidence is ordered among the first ten (nDCG@10).")),
    "citation_valid": (_("Citations are literal"), _("The quote stands word for word at the place it names.")),
    "citation_correct": (_("Citations are right"), _("At least one citation is the expected evidence.")),
    "must_contain": (_("Says what it must"), _("The answer contains every expected wording.")),
    "abstention_precision": (_("Silent with reason"), _("Of what was not answered, the share that cannot be.")),
    "abstained_unanswerable": (_("Silent when it must be"), _("Unanswerable questions that were not answered.")),
    "refused_answerable": (
        _("Silent without reason"),
        _("Answerable questions that were not answered. Less is better."),
    ),
    "p50_ms": (_("Time of half the answers"), _("Half of the answers come faster, in milliseconds.")),
    "p95_ms": (_("Time of most answers"), _("95 of 100 answers come faster, in milliseconds.")),
}
TYPES: Final[dict[str, Any]] = {
    "fact": _("Fact"),
    "number": _("Quantity"),
    "scenario": _("Case"),
    "table": _("Table"),
    "list": _("List"),
    "scan": _("Scan"),
    "version": _("Version"),
    "multi": _("Several places"),
    "definition": _("Definition"),
    "duty": _("Duty"),
    "prohibition": _("Prohibition"),
    "procedure": _("Procedure"),
    "comparison": _("Comparison"),
    "unanswerable": _("Unanswerable"),
    "": _("no type"),
}
LANGUAGES: Final[dict[str, Any]] = {"zh": _("Chinese"), "en": _("English"), "": _("unknown")}
SET_STATES: Final[dict[str, tuple[str, Any]]] = {
    "draft": ("draft", _("draft")),
    "approved": ("succeeded", _("approved")),
    "retired": ("neutral", _("retired")),
}
KINDS: Final[dict[str, Any]] = {
    "hand": _("written by hand"),
    "imported": _("imported"),
    "synthesised": _("made from the documents"),
}
SOURCES: Final[dict[str, Any]] = {
    "hand": _("by hand"),
    "import": _("from a file"),
    "lab": _("from the lab"),
    "trace": _("from a trace"),
    "feedback": _("from feedback"),
    "rules": _("from the document’s structure"),
    "chat": _("by the chat model"),
}
# (badge, name, what it means)
CAUSES: Final[dict[str, tuple[str, Any, Any]]] = {
    "missing": ("failed", _("Missing document"), _("No document of the collection says it.")),
    "parse": ("failed", _("Parsing"), _("The file says it, but it was not read from it.")),
    "chunk": ("failed", _("Chunking"), _("It was read, but no chunk that is searched holds it whole.")),
    "stale": ("failed", _("Out of date"), _("It stands in a version that is not in force.")),
    "retrieve": ("failed", _("Retrieval"), _("It is in the index, but the search did not bring it.")),
    "rerank": ("failed", _("Ranking"), _("The search brought it, but others were put before it.")),
    "generate": ("failed", _("Answering"), _("What lay before the answer was right, the answer was not.")),
    "fine": ("succeeded", _("Nothing wrong"), _("The answer says what it should.")),
    "unknown": ("needs-you", _("Your turn"), _("Say what the right answer is.")),
}
# A link that holds is named by what it is, not by what would be wrong with it.
LINKS: Final[dict[str, Any]] = {"missing": _("Document")}
CHAIN: Final = ("missing", "parse", "chunk", "stale", "retrieve", "rerank", "generate")
FINDINGS: Final[dict[str, Any]] = {
    "expected": _("What was expected"),
    "searched": _("What was looked through"),
    "near": _("The closest that there is"),
    "file_text": _("The words in the file itself"),
    "rejected": _("The file was refused"),
    "reread": _("Read again today"),
    "misread": _("What was recognised instead"),
    "disabled": _("The chunk that is switched off"),
    "block": _("The words as they were parsed"),
    "cut": _("A piece of it"),
    "version": _("The version that says it"),
    "newer": _("The version in force"),
    "draft": _("The version that is not in force yet"),
    "legs": _("Where it stands in the search"),
    "rights": _("The passage that the asker may not read"),
    "above": _("What stood above it"),
    "features": _("What outweighed it"),
    "context": _("The passage that lay before the answer"),
    "answer": _("The answer"),
    "abstained": _("The refusal"),
    "contradiction": _("Not in the passage"),
    "now": _("Asked again now"),
}
FEATURES: Final[dict[str, Any]] = {
    "cosine": _("closeness in meaning"),
    "fusion": _("rank in both searches"),
    "bm25": _("words in common"),
    "coverage": _("the question’s words covered"),
    "characters": _("characters in common"),
    "sentence": _("the best single sentence"),
    "heading": _("words in the heading"),
    "title": _("words in the title"),
    "kind": _("the kind of answer asked for"),
    "unit": _("the unit asked for"),
    "numbers": _("the question’s numbers"),
    "length": _("length"),
    "sanction": _("a rule against its sanction"),
    "forbidden": _("a prohibition"),
    "definition": _("a definition"),
    "things": _("the things it names"),
    "doings": _("what is done with them"),
    "items": _("a list of several items"),
    "everyday": _("everyday words by their official names"),
}
MENDS: Final[dict[str, tuple[Any, str]]] = {
    "collection": (_("Add or check documents"), "upload"),
    "sources": (_("Set up a source"), "refresh-cw"),
    "document": (_("Look at the document"), "file-text"),
    "chunks": (_("Edit the chunks"), "scissors"),
    "versions": (_("Look at the versions"), "history"),
    "lab": (_("Try it in the retrieval lab"), "flask-conical"),
    "collection_settings": (_("Change the settings"), "settings"),
}
