"""How the pages call what happened to a chunk."""

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

# Why an edit could not be carried onto a newer text (liaoyuan.knowledge.edits.patches.Lost).
LOST: Final[dict[str, Any]] = {
    "gone": _("The text it was made on does not stand in this version any more."),
    "conflict": _("This version changed the same words. Both cannot hold at once."),
    "facts": _("A chunk was switched off whose numbers, dates or negations are different now. It counts again."),
    "cut": _("The text is cut at other places now, and another edit stands there."),
    "long": _("With the edit the chunk would be longer than the embedding model reads."),
}
ACTIONS: Final[dict[str, Any]] = {
    "edit": _("changed the text"),
    "split": _("split it"),
    "merge": _("merged it with the next"),
    "disable": _("switched it off"),
    "enable": _("switched it on"),
    "add": _("added a chunk"),
    "remove": _("removed an added chunk"),
    "restore": _("restored the parsed text"),
    "settle": _("settled an edit that could not be carried"),
}
DONE: Final[dict[str, Any]] = {
    "edit": _("Saved. The next question finds the new text."),
    "split": _("Split into two chunks."),
    "merge": _("Merged into one chunk."),
    "disable": _("Switched off: no question finds this chunk."),
    "enable": _("Switched on again."),
    "add": _("Added. The next question finds it."),
    "remove": _("Removed."),
    "restore": _("Restored as it was parsed."),
}
# What a refusal means right where somebody typed.
SHOWS: Final[dict[str, Any]] = {
    "all": _("all"),
    "edited": _("edited"),
    "disabled": _("switched off"),
}
