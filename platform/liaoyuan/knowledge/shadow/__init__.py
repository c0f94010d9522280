"""A new generation of a collection's index is built beside the live one, scored on the same questions, then swapped
in or dropped. Search never stops."""
