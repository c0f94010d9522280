"""The knowledge layer beside what a team would use instead; see ``__main__``."""
