"""What stages, states and reasons are called on the pages."""

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import RunState

TITLES: Final[dict[str, Any]] = {
    StageName.COMPUTE: _("Build compute"),
    StageName.DATA: _("Curate data"),
    StageName.TRAINING: _("Train model"),
    StageName.DEPLOYMENT: _("Deploy scenario"),
    StageName.SECURITY: _("Secure"),
    StageName.OPERATIONS: _("Operate"),
}
PURPOSES: Final[dict[str, Any]] = {
    StageName.COMPUTE: _("Checks that this machine can train and serve the model, and says how long and how much."),
    StageName.DATA: _("Turns your documents into training samples. Whatever was left out is listed with its reason."),
    StageName.TRAINING: _("Teaches the base model your documents, and keeps the result only if it is better."),
    StageName.DEPLOYMENT: _(
        "Examines the application with questions it has not seen. A person decides what goes live."
    ),
    StageName.SECURITY: _("Attacks the live application and proves each control that your industry asks for."),
    StageName.OPERATIONS: _("Shows how the application does in daily use, and when it should be improved."),
}
ACTIONS: Final[dict[str, str]] = {
    StageName.COMPUTE: "run.view",
    StageName.DATA: "dataset.view",
    StageName.TRAINING: "model.view",
    StageName.DEPLOYMENT: "deployment.view",
    StageName.SECURITY: "security.view",
    StageName.OPERATIONS: "operations.view",
}
STATES: Final[dict[str, Any]] = {
    RunState.WAITING: _("waiting"),
    RunState.QUEUED: _("queued"),
    RunState.RUNNING: _("running"),
    RunState.CANCELLING: _("cancelling"),
    RunState.SUCCEEDED: _("done"),
    RunState.FAILED: _("failed"),
    RunState.ERRORED: _("error"),
    RunState.CANCELLED: _("cancelled"),
    RunState.DEAD: _("given up"),
}
NEEDS_YOU: Final = _("needs you")
NOT_STARTED: Final = _("not started")
PARTS: Final[dict[str, Any]] = {
    "weights": _("Weights"),
    "adapters": _("Adapter"),
    "gradients": _("Gradients"),
    "optimizer": _("Optimizer"),
    "activations": _("Activations"),
    "logits": _("Logits"),
    "kv_cache": _("Key-value cache"),
    "runtime": _("Runtime"),
}
OPERATORS: Final[dict[str, tuple[Any, Any]]] = {
    "normalise": (_("Normalise"), _("Folds widths and white space; drops page numbers, headers and footers.")),
    "deduplicate": (_("Remove near-duplicates"), _("Keeps the first of passages that say nearly the same.")),
    "quality": (_("Check quality"), _("Drops passages that are too short, too long or mostly symbols.")),
    "mask_pii": (_("Mask personal data"), _("Replaces names, numbers and addresses by stable pseudonyms.")),
    "synthesise_qa": (_("Make questions"), _("Asks questions whose answer is a sentence of the passage.")),
    "decontaminate": (_("Keep exam questions out"), _("Drops samples that resemble a question of the examination.")),
    "split": (_("Split"), _("Puts whole documents either into training or into evaluation.")),
}
DROPS: Final[dict[str, Any]] = {
    "empty": _("empty"),
    "page_number": _("page number"),
    "boilerplate": _("header or footer"),
    "near_duplicate": _("near-duplicate"),
    "too_short": _("too short"),
    "too_long": _("too long"),
    "symbols": _("mostly symbols"),
    "repetition": _("mostly repetition"),
    "no_question": _("no question can be asked of it"),
    "ambiguous_question": _("its question has several answers"),
    "language": _("in another language"),
    "gate_question": _("resembles an examination question"),
    "crosses_split": _("would carry evaluation text into training"),
}
PERSONAL: Final[dict[str, Any]] = {
    "ADDRESS": _("addresses"),
    "BANK_CARD": _("bank cards"),
    "DOB": _("dates of birth"),
    "EMAIL": _("e-mail addresses"),
    "ID_CARD": _("identity cards"),
    "IP": _("IP addresses"),
    "LANDLINE": _("landline numbers"),
    "LICENSE_PLATE": _("number plates"),
    "METER_NO": _("meter numbers"),
    "MRN": _("patient numbers"),
    "ORG": _("organizations"),
    "PASSPORT": _("passports"),
    "PERSON": _("names"),
    "PHONE": _("phone numbers"),
    "SOCIAL_SECURITY": _("social security numbers"),
    "STUDENT_NO": _("student numbers"),
    "USCC": _("company codes"),
    "WECHAT": _("WeChat names"),
    "IBAN": _("IBANs"),
    "DRIVER_LICENSE": _("driving licences"),
    "QQ": _("QQ numbers"),
}
SPLITS: Final[dict[str, Any]] = {"train": _("training"), "eval": _("evaluation"), "gate": _("examination")}
KINDS: Final[dict[str, Any]] = {
    "number": _("asks for a number"),
    "rule": _("asks for a rule"),
    "unanswerable": _("has no answer"),
}
GATES: Final[dict[str, tuple[Any, Any]]] = {
    "recall@1": (_("Evidence found first"), _("How often the right passage is the first one found.")),
    "recall@5": (_("Evidence found"), _("How often the right passage is among the first five found.")),
    "recall@10": (_("Evidence found in ten"), _("How often the right passage is among the first ten found.")),
    "mrr": (_("Rank of the evidence"), _("Mean of one divided by the rank of the right passage.")),
    "ndcg@10": (_("Order of the evidence"), _("How well the right passages stand at the top of ten.")),
    "citation_valid": (_("Citations are literal"), _("How often the quoted words stand in the document exactly so.")),
    "citation_correct": (_("Citations are right"), _("How often an answer cites the passage that it should.")),
    "must_contain": (_("Answers hold the fact"), _("How often the answer holds the words that it must hold.")),
    "abstained_unanswerable": (
        _("Declines without evidence"),
        _("How often it declines a question that the documents do not answer."),
    ),
    "refused_answerable": (_("Declined wrongly"), _("How often it declines a question that it could answer.")),
    "p50_ms": (_("Median time"), _("Milliseconds until half of the answers are there.")),
    "p95_ms": (_("Time of the slowest"), _("Milliseconds until 95 of 100 answers are there.")),
    "parity_first_token": (
        _("Served as trained"),
        _("Whether the served model gives the probabilities that training saw."),
    ),
    "parity_greedy": (_("Writes as trained"), _("Whether the served model writes the text that training saw.")),
    "forgetting_ratio": (
        _("Forgets little"),
        _("Surprise at general text after training, divided by that before. Above one means forgetting."),
    ),
    "heldout_loss_ratio": (_("Learns what is held out"), _("Loss on held-out samples after training, against before.")),
}
CHECKS: Final[dict[str, Any]] = {
    "hidden_text": _("Hidden characters"),
    "injection_rules": _("Prompt injection, by rules"),
    "injection_model": _("Prompt injection, by model"),
    "directive_model": _("Orders inside documents"),
    "unsafe_model": _("Harmful requests"),
    "keywords": _("Words of the industry"),
    "pii": _("Personal data"),
    "topics": _("Topics that are locked"),
    "remote_content": _("Links and images from outside"),
    "groundedness": _("Evidence for each sentence"),
    "citation": _("Citations required"),
}
SIDES: Final[dict[str, Any]] = {"input": _("question"), "document": _("document"), "output": _("answer")}
VERDICTS: Final[dict[str, Any]] = {
    "allow": _("let through"),
    "flag": _("flagged"),
    "mask": _("masked"),
    "block": _("blocked"),
    "escalate": _("handed to a person"),
}
REASONS: Final[dict[str, Any]] = {
    "wrong": _("wrong content"),
    "incomplete": _("incomplete"),
    "outdated": _("out of date"),
    "wrong_source": _("wrong source"),
    "should_abstain": _("should have declined"),
    "should_answer": _("should have answered"),
    "unsafe": _("unsafe"),
    "other": _("other reason"),
}
