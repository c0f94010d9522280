"""The verbs of ``manage.py knowledge``, one module a subject."""
