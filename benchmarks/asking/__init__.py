"""Teach the built-in embedding model how people ask: see ``python -m benchmarks.asking --help``."""
