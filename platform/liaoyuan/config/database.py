"""Bring the tables up to date, as the owner role."""

from django.core.management import call_command


def migrate() -> None:
    """Apply what is missing; quick when nothing is."""
    call_command("migrate", database="owner", interactive=False, verbosity=0)
