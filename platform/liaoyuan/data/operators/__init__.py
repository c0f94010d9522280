"""The operators of a data recipe: pure functions from items to items, each with a trace of what it dropped and why."""
